# The work is done by tasks.py, which runs without make too: python tasks.py book
PYTHON ?= $(shell command -v python3 || command -v python)
ifeq ($(PYTHON),)
$(error Python 3.11 or newer is needed, and there is neither python3 nor python on the PATH)
endif
TARGETS = book test lab chapter notebooks lint mutants fuzz precision statistics bench serve upgrade clean

.PHONY: help $(TARGETS)
help:
	@$(PYTHON) tasks.py

$(TARGETS):
	@$(PYTHON) tasks.py $@ $(if $(N),N=$(N)) $(if $(all),all=$(all)) $(if $(sample),sample=$(sample)) \
		$(if $(only),only=$(only)) $(if $(part),part=$(part)) $(if $(rounds),rounds=$(rounds))
