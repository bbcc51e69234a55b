#include "coordinator/cli/milestone.h"

#include <inttypes.h>

#include "common/base/mem.h"
#include "coordinator/cli/format.h"
#include "coordinator/cli/show.h"

/* A line with the run's time in front of it, so that a log can be read later. */
static void
say(const struct run_view *run, const struct terminal *terminal, const struct text *line)
{
    char time[FORMAT_SIZE];

    fprintf(terminal->out, "%9s  %s\n", format_duration_ms(run->elapsed_ms, time), text_of(line));
    fflush(terminal->out);
}

static void
tell_state(struct milestones *milestones, const struct run_view *run,
           const struct terminal *terminal)
{
    CLEANUP(text_release) struct text line = {0};
    bool is_news = !milestones->has_begun || run->state != milestones->state;

    milestones->state = run->state;
    if (!milestones->has_begun) {
        char number[FORMAT_SIZE];
        text_format(&line, "run %" PRIu64 ": %s, %s in %zu wave%s", run->number,
                    show_run_state(run->state),
                    format_counted(run_view_sum(run).targets, "target", number), run->wave_count,
                    run->wave_count == 1 ? "" : "s");
        milestones->has_begun = true;
    } else if (is_news && !run_view_has_ended(run)) {
        text_format(&line, "%s", show_run_state(run->state));
        if (run->why && *run->why) {
            text_append(&line, ": ");
            terminal_clip(terminal, run->why, SIZE_MAX, &line);
        }
    } else {
        return;
    }
    say(run, terminal, &line);
}

static void
tell_failures(struct milestones *milestones, const struct run_picture *picture,
              const struct terminal *terminal)
{
    for (; milestones->failures < picture->failing_count; milestones->failures++) {
        const struct leg_view *leg = &picture->failing[milestones->failures];
        CLEANUP(text_release) struct text line = {0};
        CLEANUP(text_release) struct text safe = {0};
        text_format(&line, "failed: %s: %s: %s", leg->target,
                    leg->fault.code ? leg->fault.code : "", leg->fault.text ? leg->fault.text : "");
        if (leg->fault.where) {
            text_format(&line, " (%s)", leg->fault.where);
        }
        terminal_clip(terminal, text_of(&line), SIZE_MAX, &safe);
        say(picture->run, terminal, &safe);
    }
}

static bool
has_wave_begun(const struct wave_view *wave)
{
    return wave->running_count > 0 || wave->done_count > 0 || wave->failed_count > 0;
}

static bool
has_wave_ended(const struct wave_view *wave)
{
    return wave->done_count + wave->failed_count == wave->target_count;
}

static void
tell_waves(struct milestones *milestones, const struct run_view *run,
           const struct terminal *terminal)
{
    char number[FORMAT_SIZE];

    for (size_t i = milestones->waves_ended; i < run->wave_count; i++) {
        const struct wave_view *wave = &run->waves[i];
        CLEANUP(text_release) struct text line = {0};
        if (i >= milestones->waves_begun && has_wave_begun(wave)) {
            text_format(&line, "wave %zu: begun, %s", i + 1,
                        format_counted(wave->target_count, "target", number));
            say(run, terminal, &line);
            milestones->waves_begun = i + 1;
        }
        if (i < milestones->waves_begun && has_wave_ended(wave)) {
            text_clear(&line);
            text_format(&line, "wave %zu: ended, %" PRIu64 " done", i + 1, wave->done_count);
            if (wave->failed_count > 0) {
                text_format(&line, ", %" PRIu64 " failed", wave->failed_count);
            }
            say(run, terminal, &line);
            milestones->waves_ended = i + 1;
        }
    }
}

static void
tell_quarters(struct milestones *milestones, const struct run_view *run,
              const struct terminal *terminal)
{
    CLEANUP(text_release) struct text line = {0};
    struct run_sum sum = run_view_sum(run);
    uint64_t ended = sum.done + sum.failed;
    uint64_t quarters = sum.targets ? ended * 4 / sum.targets : 0;
    char time[FORMAT_SIZE];

    if (quarters > milestones->quarters && quarters < 4 && sum.targets >= 8) {
        text_format(&line, "%" PRIu64 " of %" PRIu64 " targets", ended, sum.targets);
        if (run->left_ms > 0) {
            text_format(&line, ", about %s left", format_rough_ms(run->left_ms, time));
        }
        say(run, terminal, &line);
    }
    milestones->quarters = quarters;
}

static void
tell_silence(struct milestones *milestones, const struct run_picture *picture,
             const struct terminal *terminal)
{
    CLEANUP(text_release) struct text line = {0};
    bool is_silent = picture->silent_ms > 0;

    if (is_silent != milestones->is_silent) {
        text_append(&line, is_silent ? "the coordinator does not answer; waiting for it"
                                     : "the coordinator is back");
        say(picture->run, terminal, &line);
    }
    milestones->is_silent = is_silent;
}

void
milestones_tell(struct milestones *milestones, const struct run_picture *picture,
                const struct terminal *terminal)
{
    tell_silence(milestones, picture, terminal);
    tell_state(milestones, picture->run, terminal);
    tell_failures(milestones, picture, terminal);
    tell_waves(milestones, picture->run, terminal);
    tell_quarters(milestones, picture->run, terminal);
}
