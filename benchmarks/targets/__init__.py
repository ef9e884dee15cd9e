"""What can be measured: each module starts one kind of target and says how it is asked."""
