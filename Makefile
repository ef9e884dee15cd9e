# The verbs of ./dev, for those who expect make. Arguments: make test ARGS="tests/unit -k pricing"
ARGS ?=
COMMANDS := up down ops status logs doctor check test bench chaos fuzz mutate soak lock audit

.DEFAULT_GOAL := help
.PHONY: help $(COMMANDS)

help:
	@./dev help

$(COMMANDS):
	@./dev $@ $(ARGS)
