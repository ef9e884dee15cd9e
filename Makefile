# The verbs of ./dev, for those who expect make. Arguments: make test ARGS="tests/unit -k pricing"
ARGS ?=
VERBS := up down ops status logs doctor check test bench chaos fuzz mutate soak lock audit

.DEFAULT_GOAL := help
.PHONY: help $(VERBS)

help:
	@./dev help

$(VERBS):
	@./dev $@ $(ARGS)
