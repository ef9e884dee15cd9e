"""A client of Session Manager's data channel, by which ECS Exec runs a command in a container.

AWS publishes the protocol as the source of its session-manager-plugin. Ours needs no plugin, does
not want a terminal, and knows how the command ended.
"""
