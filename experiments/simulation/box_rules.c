/* The table of rules. */
#include "experiments/simulation/box_simulation.h"
#include "experiments/simulation/rules.h"

#include <string.h>

#define RULE_ROW(identifier, name, loss, kind, terms, summary) {name, loss, kind, summary},
const box_rule box_rules[] = {EACH_RULE(RULE_ROW){NULL, NULL, RULE_EXACT, NULL}};

const box_rule *box_rule_find(const char *name) {
    for (const box_rule *r = box_rules; r->name; r++)
        if (strcmp(r->name, name) == 0) return r;
    return NULL;
}
