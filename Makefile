# The verbs of ./dev, for those who expect make. Arguments: make test ARGS="tests/unit -k pricing"
ARGS ?=
VERBS := up down status logs ops test bench chaos fuzz soak doctor check audit lock

.DEFAULT_GOAL := help
.PHONY: help $(VERBS)

help:
	@./dev help

$(VERBS):
	@./dev $@ $(ARGS)
