# The work is done by tasks.py, which runs without make too: python tasks.py book
PYTHON ?= $(shell command -v python3 || command -v python)

.PHONY: help book test lab chapter notebooks upgrade clean
help book test lab chapter notebooks upgrade clean:
	@$(PYTHON) tasks.py $@ $(if $(N),N=$(N))
.DEFAULT_GOAL := help
