# Two commands: `make demo` and `make test`. Both install and build what they need; `make help` lists the rest.
SHELL := /bin/sh
.DEFAULT_GOAL := help
# The pinned Node comes from npm and runs everything here; the machine's own only starts npm.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: install ## The story on a real cluster; KEEP=1 leaves it running, CLUSTER=current uses your kubeconfig's cluster
	@node demo/main.ts $(if $(KEEP),--keep) $(if $(CLUSTER),--cluster=$(CLUSTER))

.PHONY: test
test: install ## Every test; those that need root are skipped without it
	@node build/prepare.ts
	@node build/test.ts

.PHONY: check
check: install ## Format, lint, types, unit and simulation tests: under a minute, no root
	@node build/prepare.ts native
	@node build/test.ts types browser lint unit simulation

.PHONY: image
image: install ## The container image, out/image.tar
	@node build/prepare.ts native
	@node build/image.ts --gzip

.PHONY: release
release: install ## Image, chart, manifests, command line, checksums: dist/; URL=… of where they will lie adds krew's manifest
	@node build/prepare.ts native foreign
	@node build/release.ts $(if $(URL),--url=$(URL))

.PHONY: site
site: install site/node_modules/.installed ## The documentation as a web site, site/dist
	@node site/node_modules/vitepress/bin/vitepress.js build site
	@node build/site.ts

# With the lock file of its own: only who builds the site needs what builds it.
site/node_modules/.installed: site/package-lock.json | install
	cd site && npm ci --ignore-scripts --loglevel=error
	@touch $@

.PHONY: clean
clean: ## Remove what was built and installed here; the cache in ~/.cache/invar stays
	rm -rf dist out native/build node_modules site/dist site/.vitepress/cache site/node_modules

.PHONY: install
install: node_modules/.installed

# --ignore-scripts: no package runs code of its own; the two addons are compiled by native/build.ts.
node_modules/.installed: package-lock.json
	@command -v node >/dev/null || { echo 'error: node is missing: install Node.js 18 or later (Debian: apt-get install nodejs npm)'; exit 1; }
	@command -v npm >/dev/null || { echo 'error: npm is missing: install npm (Debian: apt-get install npm)'; exit 1; }
	npm ci --ignore-scripts --loglevel=error
	@touch $@
