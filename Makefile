# lossbench: one Makefile. `make help` lists what it can do.

PROFILE ?= standard
OUT     ?= $(if $(filter standard,$(PROFILE)),.,build/$(PROFILE))
JOBS    ?= $(shell nproc 2>/dev/null || echo 1)
DATASETS ?= datasets/public/cache:../shared/datasets
BUILD   ?= build
Q       := $(if $(filter 1,$(V)),,@)

# --- compiler -----------------------------------------------------------------------------------------------------
# ARCH is the baseline every file is built for; wider kernels are chosen when the program starts.
# ARCH=portable builds without any (fused multiply-adds through fma()): same bits, slower.
MACHINE := $(shell uname -m)
ARCH ?= $(if $(and $(filter x86_64,$(MACHINE)),$(shell grep -m1 -w avx2 /proc/cpuinfo | grep -w fma)),x86-64-v3,portable)
ARCHFLAGS := $(if $(filter portable,$(ARCH)),,-march=$(ARCH))
WIDEFLAGS := $(if $(filter portable,$(ARCH)),,-mavx512f -mavx512vl -mavx512bw -mavx512dq)
OPT ?= -O3
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wdouble-promotion \
            $(if $(WERROR),-Werror)
CPPFLAGS += -I. -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE
CFLAGS ?= -g
ALLFLAGS = -std=gnu11 $(OPT) -ffp-contract=off -fno-math-errno $(ARCHFLAGS) $(WARNINGS) $(CFLAGS) $(SANITIZE)
LDLIBS = -ltiff -ljpeg -lpng -lgsl -lgslcblas -lsqlite3 -linih -ljansson -lm

# --- sources: every .c file of a module belongs to it ---------------------------------------------------------------
MODULES := experiments/harness datasets lib/loss lib/nn lib/metrics lib/stats lib/base# in link order
source = $(wildcard $1/*.c) $(if $(filter datasets,$1),$(wildcard datasets/*/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$1)
archive = $(BUILD)/$(subst /,_,$1).a
MAIN := experiments/harness/main.c
ARCHIVES := $(foreach m,$(MODULES),$(call archive,$m))
TESTS := $(sort $(wildcard tests/*/test_*.c))
TEST_BINARIES := $(patsubst %.c,$(BUILD)/%,$(TESTS))

.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := help
.PHONY: help all

## all           build/lossbench
all: $(BUILD)/lossbench

$(BUILD)/lossbench: $(BUILD)/$(MAIN:.c=.o) $(ARCHIVES)
	$(Q)$(CC) $(ALLFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALLFLAGS) $(if $(filter %_avx512.c,$<),$(WIDEFLAGS)) -MMD -MP -c -o $@ $<

define module_rule
$(call archive,$1): $(call objects,$(filter-out $(MAIN),$(call source,$1)))
	$$(Q)rm -f $$@ && $$(AR) rcsD $$@ $$^
endef
$(foreach m,$(MODULES),$(eval $(call module_rule,$m)))

# A test of a module links that module and what lies below it: an upward include does not link.
test_archives = $(strip $(if $(filter base,$1),lib/base,$(if $(filter loss nn metrics stats,$1),lib/$1 lib/base,\
                $(if $(filter datasets,$1),datasets lib/base,$(MODULES)))))
define test_rule
$(BUILD)/$(1:.c=): $(BUILD)/$(1:.c=.o) $(foreach m,$(call test_archives,$(word 2,$(subst /, ,$1))),$(call archive,$m))
	$$(Q)$$(CC) $$(ALLFLAGS) $$(LDFLAGS) -o $$@ $$^ -lcriterion $$(LDLIBS)
endef
$(foreach t,$(TESTS),$(eval $(call test_rule,$t)))

help:
	@sed -n 's/^## //p' Makefile

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
