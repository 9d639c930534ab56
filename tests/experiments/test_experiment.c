#include "tests/experiments/fixture.h"

#include <criterion/parameterized.h>

/* Lines are numbered from 1 in refusals. */
#define ABOUT "[experiment]\nquestion = Why?\nanalysis = compare\n"
#define BLOCKS                                                                                                         \
    "[blocks]\ncast = synthetic(texture=cast, defect=dent) @ 10 200\npack = infrared_solar_modules @ natural\n"
#define LOSSES "[losses]\nbce = bce\nfocal = focal\n"
#define TRAIN "[train]\nmodel = cnn\nvisits = 2000\nbatch = 32\nseeds = 3\nlearning_rate = 0.01\nweight_decay = 1e-4\n"
#define TUNING                                                                                                         \
    "[tuning]\npoints = 4\nseeds = 2\nlearning_rate_low = 1e-4\nlearning_rate_high = 1e-1\nweight_decay_low = 1e-6\n"  \
    "weight_decay_high = 1e-2\n"
#define WHOLE ABOUT BLOCKS LOSSES TRAIN

static experiment e; /* large; every test has its own process */

static void read_ok(const char *content, const char *profile, const char *losses, const char *data) {
    selection chosen = {0};
    lb_error error = {0};
    snprintf(chosen.profile, sizeof chosen.profile, "%s", profile);
    snprintf(chosen.loss, sizeof chosen.loss, "%s", losses);
    snprintf(chosen.data, sizeof chosen.data, "%s", data);
    cr_assert(zero(int, read_text("why", content, &chosen, &e, &error)), "%s", error.message);
}

/* --- what a file says --------------------------------------------------------------------------------------------- */

Test(experiment, every_section) {
    read_ok(WHOLE "checkpoints = 4\n" TUNING, "standard", "", "");
    cr_assert(eq(str, e.name, "why"));
    cr_assert(eq(str, e.question, "Why?"));
    cr_assert(eq(str, e.analysis, "compare"));
    cr_assert(eq(str, e.model, "cnn"));
    cr_assert(eq(uint, e.visits, 2000));
    cr_assert(eq(uint, e.batch, 32));
    cr_assert(eq(uint, e.seeds, 3));
    cr_assert(eq(uint, e.checkpoints, 4));
    cr_assert(eq(sz, e.learning_rate_count, 1));
    cr_assert(eq(dbl, e.learning_rates[0], 0.01));
    cr_assert(eq(dbl, e.weight_decay, 1e-4));
    cr_assert(eq(uint, e.points, 4));
    cr_assert(eq(uint, e.tuning_seeds, 2));
    cr_assert(eq(dbl, e.learning_rate_low, 1e-4));
    cr_assert(eq(dbl, e.weight_decay_high, 1e-2));
}

Test(experiment, blocks_and_ratios) {
    read_ok(WHOLE, "standard", "", "");
    cr_assert(eq(sz, e.block_count, 2));
    cr_assert(eq(str, e.blocks[0].label, "cast"));
    cr_assert(eq(str, e.blocks[0].data, "synthetic(texture=cast, defect=dent)"));
    cr_assert(eq(sz, e.blocks[0].ratio_count, 2));
    cr_assert(eq(uint, e.blocks[0].ratios[0], 10));
    cr_assert(eq(uint, e.blocks[0].ratios[1], 200));
    cr_assert(eq(sz, e.blocks[1].ratio_count, 1));
    cr_assert(zero(uint, e.blocks[1].ratios[0])); /* natural */
}

Test(experiment, options_of_losses) {
    read_ok(ABOUT BLOCKS TRAIN
            "[losses]\nbce = bce\nzero = bce | bias=0\n"
            "half = bce | bias=prior | sampler=balanced\nagain = bce | sampler=natural | streams=b\n",
            "standard", "", "");
    cr_assert(eq(sz, e.entry_count, 4));
    cr_assert(e.entries[0].bias == BIAS_PRIOR && e.entries[0].sampler == SAMPLER_NATURAL);
    cr_assert(eq(chr, e.entries[0].streams, 'a'));
    cr_assert(e.entries[1].bias == BIAS_ZERO && e.entries[1].sampler == SAMPLER_NATURAL);
    cr_assert(e.entries[2].bias == BIAS_PRIOR && e.entries[2].sampler == SAMPLER_BALANCED);
    cr_assert(eq(chr, e.entries[3].streams, 'b'));
    for (size_t i = 0; i < 4; i++) cr_assert(eq(str, e.entries[i].loss, "bce"));
}

Test(experiment, grids_expand_in_order) {
    static const char *const labels[] = {"focal(gamma=0, alpha=off)", "focal(gamma=0, alpha=auto)",
                                         "focal(gamma=2, alpha=off)", "focal(gamma=2, alpha=auto)"};
    read_ok(ABOUT BLOCKS TRAIN "[losses]\nfocal = focal(gamma={0, 2}, alpha={off,auto}) | bias=0\n", "standard", "",
            "");
    cr_assert(eq(sz, e.entry_count, 4));
    for (size_t i = 0; i < 4; i++) {
        cr_assert(eq(str, e.entries[i].label, (char *)labels[i]));
        cr_assert(eq(str, e.entries[i].loss, (char *)labels[i]));
        cr_assert(eq(str, e.entries[i].family, "focal"));
        cr_assert(e.entries[i].bias == BIAS_ZERO);
    }
}

Test(experiment, a_grid_of_one_is_a_grid) {
    read_ok(ABOUT BLOCKS TRAIN "[losses]\nf = focal(gamma={3})\n", "standard", "", "");
    cr_assert(eq(sz, e.entry_count, 1));
    cr_assert(eq(str, e.entries[0].label, "focal(gamma=3)"));
}

Test(experiment, several_learning_rates) {
    read_ok("[experiment]\nanalysis = rates\n" BLOCKS LOSSES TRAIN "learning_rate = 1e-3, 3e-3 1e-2\n", "standard", "",
            "");
    cr_assert(eq(sz, e.learning_rate_count, 3));
    cr_assert(eq(dbl, e.learning_rates[1], 3e-3));
}

Test(experiment, indented_lines_continue_a_text) {
    read_ok("[experiment]\nanalysis = compare\ncaption = One\n    two\n    three\n" BLOCKS LOSSES TRAIN, "standard", "",
            "");
    cr_assert(eq(str, e.caption, "One two three"));
}

/* --- profiles and the command line -----------------------------------------------------------------------------------
 */

#define PROFILES                                                                                                       \
    "[profile quick]\nseeds = 2\npoints = 3\ntuning_seeds = 1\nblocks = cast\nlosses = bce, focal\n"                   \
    "block.cast = synthetic(scale=0.3) @ 50\nloss.focal = focal(gamma={1, 5})\n[profile full]\nseeds = 20\n"           \
    "block.more = synthetic @ 1000\nloss.asl = asl\n"

Test(experiment, a_profile_overrides) {
    read_ok(WHOLE TUNING PROFILES, "quick", "", "");
    cr_assert(eq(uint, e.seeds, 2));
    cr_assert(eq(uint, e.points, 3));
    cr_assert(eq(uint, e.tuning_seeds, 1));
    cr_assert(eq(sz, e.block_count, 1));
    cr_assert(eq(str, e.blocks[0].data, "synthetic(scale=0.3)"));
    cr_assert(eq(sz, e.blocks[0].ratio_count, 1));
    cr_assert(eq(uint, e.blocks[0].ratios[0], 50));
    cr_assert(eq(sz, e.entry_count, 3));
    cr_assert(eq(str, e.entries[2].label, "focal(gamma=5)"));
}

Test(experiment, a_profile_adds) {
    read_ok(WHOLE TUNING PROFILES, "full", "", "");
    cr_assert(eq(uint, e.seeds, 20));
    cr_assert(eq(uint, e.points, 4));
    cr_assert(eq(sz, e.block_count, 3));
    cr_assert(eq(str, e.blocks[2].label, "more"));
    cr_assert(eq(sz, e.entry_count, 3));
    cr_assert(eq(str, e.entries[2].label, "asl"));
}

Test(experiment, other_profiles_are_not_there) {
    read_ok(WHOLE TUNING PROFILES, "standard", "", "");
    cr_assert(eq(uint, e.seeds, 3));
    cr_assert(eq(sz, e.block_count, 2));
    cr_assert(eq(sz, e.entry_count, 2));
}

#define MANY ABOUT BLOCKS TRAIN "[losses]\nbce = bce\nfocal = focal(gamma={0, 2})\nsoft = asl\n"

Test(experiment, losses_are_chosen_by_label_or_name_and_bce_stays) {
    read_ok(MANY, "standard", "asl", "");
    cr_assert(eq(sz, e.entry_count, 2));
    cr_assert(eq(str, e.entries[0].label, "bce"));
    cr_assert(eq(str, e.entries[1].label, "soft"));
    read_ok(MANY, "standard", "soft,focal", "");
    cr_assert(eq(sz, e.entry_count, 4));
    read_ok(MANY, "standard", "nothing", "");
    cr_assert(eq(sz, e.entry_count, 1));
}

Test(experiment, data_are_chosen_by_label_or_name) {
    read_ok(MANY, "standard", "", "infrared_solar_modules");
    cr_assert(eq(sz, e.block_count, 1));
    cr_assert(eq(str, e.blocks[0].label, "pack"));
    read_ok(MANY, "standard", "", "cast");
    cr_assert(eq(sz, e.block_count, 1));
    cr_assert(eq(str, e.blocks[0].label, "cast"));
    read_ok(MANY, "standard", "", "elsewhere");
    cr_assert(zero(sz, e.block_count));
}

Test(experiment, knows_its_losses_and_data) {
    read_ok(MANY, "standard", "", "");
    cr_assert(experiment_has_loss(&e, "soft") && experiment_has_loss(&e, "asl") && experiment_has_loss(&e, "focal"));
    cr_assert_not(experiment_has_loss(&e, "foc") || experiment_has_loss(&e, "focal(gamma=0)"));
    cr_assert(experiment_has_data(&e, "cast") && experiment_has_data(&e, "synthetic"));
    cr_assert_not(experiment_has_data(&e, "syn") || experiment_has_data(&e, "dent"));
}

Test(experiment, lists) {
    cr_assert(in_list("a,b;c d", "c") && in_list("a, b", "b") && in_list("", "anything") && in_list(" , ", "x"));
    cr_assert_not(in_list("ab", "a") || in_list("a", "ab") || in_list("a, b", "c"));
}

/* --- refusals --------------------------------------------------------------------------------------------------------
 */

#define REST BLOCKS LOSSES TRAIN
static const struct {
    const char *content, *sentence;
} refused[] = {
    {"[experiment]\nanalysis = guess\n" REST, "analysis 'guess' is not one of: compare grid ratios easy rates"},
    {"[experiment]\nquestion = Why?\n" REST, "analysis '' is not one of"},
    {"[experiment]\nanalysis = compare\nauthor = me\n" REST, "why.ini:3: [experiment] has no key 'author'"},
    {WHOLE "epochs = 3\n", "[train] has no key 'epochs'"},
    {WHOLE TUNING "trials = 3\n", "[tuning] has no key 'trials'"},
    {WHOLE "[profile standard]\nvisits = 100\n", "[profile] has no key 'visits' (a profile changes seeds"},
    {WHOLE "[weather]\nrain = 1\n", "unknown section [weather]"},
    {ABOUT LOSSES TRAIN "[blocks]\ncast = synthetic\n", "block 'cast': expected 'data set @ ratios' in 'synthetic'"},
    {ABOUT LOSSES TRAIN "[blocks]\ncast = synthetic @\n", "block 'cast' has no ratio after '@'"},
    {ABOUT LOSSES TRAIN "[blocks]\ncast = synthetic @ 10 1e3\n", "block 'cast': '1e3' is not a ratio"},
    {ABOUT LOSSES TRAIN "[blocks]\ncast = synthetic @ -10\n", "block 'cast': '-10' is not a ratio"},
    {ABOUT LOSSES TRAIN "[blocks]\ncast = synthetic @ 1 2 3 4 5 6 7 8 9 10 11 12 13\n", "'13' is not a ratio"},
    {ABOUT LOSSES TRAIN "[blocks]\n", "[blocks] is empty"},
    {ABOUT BLOCKS TRAIN "[losses]\n", "[losses] is empty"},
    {ABOUT BLOCKS TRAIN "[losses]\nbce = bce | bias=1\n", "loss 'bce': unknown option 'bias=1' (bias=prior|0"},
    {ABOUT BLOCKS TRAIN "[losses]\nbce = bce | streams=bc\n", "loss 'bce': unknown option 'streams=bc'"},
    {ABOUT BLOCKS TRAIN "[losses]\nbce = bce | streams=\n", "loss 'bce': unknown option 'streams='"},
    {ABOUT BLOCKS TRAIN "[losses]\nf = focal(gamma={1, 2)\n", "loss 'f': the '{' is not closed"},
    {ABOUT BLOCKS TRAIN "[losses]\nf = focal(gamma={ })\n", "loss 'f': nothing between '{' and '}'"},
    {ABOUT BLOCKS TRAIN "[losses]\nf = focal(gamma={1,1})\n", "loss 'f': 'focal(gamma=1)' is listed twice"},
    {ABOUT BLOCKS TRAIN "[losses]\nf = focal(gamma={0,1,2,3,4,5,6,7,8}, alpha={.1,.2,.3,.4,.5,.6,.7,.8,.9})\n",
     "loss 'f': more than the 80 entries a table holds"},
    {WHOLE "seeds = 2.5\n", "seeds=2.5 is not a whole number"},
    {WHOLE "seeds = many\n", "seeds=many is not a number from 0 to 1000"},
    {WHOLE "seeds = 0\n", "[train] seeds must be at least 1"},
    {WHOLE "checkpoints = 0\n", "[train] checkpoints must be at least 1"},
    {WHOLE "checkpoints = 11\n", "checkpoints=11 is not a number from 0 to 10"},
    {WHOLE "batch = 33\n", "[train] batch must be even"},
    {WHOLE "batch = 0\n", "[train] visits must be at least 20 batches"},
    {WHOLE "visits = 639\n", "[train] visits must be at least 20 batches"},
    {WHOLE "learning_rate = 0\n", "learning_rate=0 is not a number from 1e-08 to 10"},
    {WHOLE "learning_rate = 1 1 1 1 1 1 1 1 1\n", "learning_rate: more than 8 values"},
    {WHOLE "learning_rate = 0.1 0.2\n", "several learning rates are for analysis rates"},
    {WHOLE "weight_decay = -1\n", "weight_decay=-1 is not a number from 0 to 10"},
    {ABOUT BLOCKS LOSSES "[train]\nmodel = cnn\nvisits = 640\nseeds = 1\n",
     "[train] needs learning_rate, or a [tuning]"},
    {ABOUT BLOCKS LOSSES "[train]\nvisits = 640\nseeds = 1\nlearning_rate = 1\n", "[train] names no model"},
    {WHOLE "[tuning]\npoints = 4\n", "[tuning] needs seeds and low <= high ranges"},
    {WHOLE TUNING "learning_rate_high = 1e-5\n", "[tuning] needs seeds and low <= high ranges"},
    {WHOLE TUNING "seeds = 0\n", "[tuning] needs seeds and low <= high ranges"},
    {"[experiment]\nanalysis = rates\n" REST TUNING, "analysis rates is for fixed learning rates"},
    {WHOLE "[profile standard]\nblocks = cast, cats\n", "profile 'standard': there is no block 'cats'"},
    {WHOLE "[profile standard]\nlosses = bce, vocal\n", "profile 'standard': there is no loss 'vocal'"},
    {ABOUT "[blocks\n", "why.ini:4: expected [section] or name = value"},
    {ABOUT "no value here\n", "why.ini:4: expected [section] or name = value"},
};

ParameterizedTestParameters(experiment, refuses) {
    static size_t index[sizeof refused / sizeof *refused];
    const size_t count = sizeof refused / sizeof *refused;
    for (size_t i = 0; i < count; i++) index[i] = i;
    return cr_make_param_array(size_t, index, count);
}

ParameterizedTest(size_t *index, experiment, refuses) {
    const selection chosen = {.profile = "standard"};
    lb_error error = {0};
    const int code = read_text("why", refused[*index].content, &chosen, &e, &error);
    cr_assert(code == LB_INVALID || code == LB_FORMAT, "not refused: %s", refused[*index].sentence);
    cr_assert(eq(int, (int)error.code, code));
    cr_assert(ne(ptr, strstr(error.message, refused[*index].sentence), NULL), "'%s' does not say '%s'", error.message,
              refused[*index].sentence);
    cr_assert(ne(ptr, strstr(error.message, "why.ini:"), NULL));
}

Test(experiment, a_missing_file_is_not_found) {
    const selection chosen = {.profile = "standard"};
    lb_error error = {0};
    cr_assert(eq(int, experiment_read("/nowhere/why.ini", &chosen, &e, &error), LB_NOT_FOUND));
    cr_assert(ne(ptr, strstr(error.message, "'/nowhere/why.ini'"), NULL));
}

Test(experiment, a_line_that_is_too_long_is_not_two_lines) {
    char content[2000] = WHOLE "[experiment]\ncaption = ";
    const selection chosen = {.profile = "standard"};
    lb_error error = {0};
    memset(content + strlen(content), 'x', 1000);
    cr_assert(eq(int, read_text("why", content, &chosen, &e, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "the line is longer than"), NULL), "%s", error.message);
}

Test(experiment, a_text_that_is_too_long_is_refused) {
    char content[20000] = "[experiment]\nanalysis = compare\ncaption = a\n";
    const selection chosen = {.profile = "standard"};
    lb_error error = {0};
    for (int i = 0; i < 30; i++) strcat(content, "    fifty characters of a caption that never comes to an end\n");
    cr_assert(eq(int, read_text("why", content, &chosen, &e, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "caption is too long"), NULL), "%s", error.message);
}
