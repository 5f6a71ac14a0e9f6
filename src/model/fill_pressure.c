/* fill_pressure.c: how hard memory was, and the log of what that led to, of a report (work.h).
 *
 * The rule for samples (mmprof-report(1) says it to people): what is used of a limit is the
 * fuller of the cgroup (memory.current of its limit) and the machine (MemTotal without
 * MemAvailable); where neither is known, of one process its resident bytes of the limit. A
 * level is entered at its threshold and left at 3 % below it; while PSI full avg10 is above
 * 10 %, and until it is below 7 %, the level is one higher. Levels that the program told stand
 * as told.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ratios.h"
#include "core/error.h"
#include "model/work.h"

enum { LOGGED = 512, HYSTERESIS_PPM = 30000, FULL_PPM = 100000 };

static const uint32_t threshold_ppm[MM_LEVEL_COUNT] = { 0, 700000, 750000, 900000, 970000 };

struct step { uint64_t time, level, before; const char *cause; uint32_t process; };

struct pressure_fill {
	struct mm_work *w;
	struct mm_report_pressure *p;
	struct step *steps;    /* transitions of the whole trace until the range's end */
	size_t step_count, step_cap;
	struct mm_report_log *log;
	size_t log_count;
	int failed;
};

static void add_step(struct pressure_fill *f, uint64_t time, uint32_t process, uint64_t level,
		     uint64_t before, const char *cause)
{
	if (MM_GROW(f->steps, f->step_cap, f->step_count + 1))
		f->failed = 1;
	else
		f->steps[f->step_count++] = (struct step){ time, level, before, cause, process };
}

/* --- told ------------------------------------------------------------------------------------ */

static int take_told(struct pressure_fill *f)
{
	const struct mm_notices *n = &f->w->notes.notices;
	uint64_t now = MM_UNKNOWN;
	int told = 0;

	for (size_t i = 0; i < n->state_count; i++) {
		const struct mm_note_state *s = &n->states[i];
		if (s->kind != MM_EV_PRESSURE || s->n.level >= MM_LEVEL_COUNT)
			continue;
		told = 1;
		if (s->time >= f->w->to || s->n.level == now)
			continue;
		uint64_t before = now != MM_UNKNOWN ? now
			: s->n.before < MM_LEVEL_COUNT ? s->n.before : MM_UNKNOWN;
		add_step(f, s->time, s->process, s->n.level, before, s->n.cause.text);
		now = s->n.level;
	}
	return told;
}

/* --- from samples ------------------------------------------------------------------------------ */

struct use { uint64_t used, limit; enum mm_limit_kind kind; const char *cause; };

static int is_cgroup_limit(const struct mm_work *w, const struct mm_sample *s)
{
	uint64_t total = w->report->run.mem_total_bytes;

	return s->limit_bytes != MM_UNKNOWN && s->cgroup_bytes != MM_UNKNOWN &&
	       (total == MM_UNKNOWN || !total || s->limit_bytes < total);
}

/* MemTotal: of the run, else what the limit is when no cgroup has one. */
static uint64_t machine_total(const struct mm_work *w, const struct mm_sample *s)
{
	uint64_t total = w->report->run.mem_total_bytes;

	if (total && total != MM_UNKNOWN)
		return total;
	return is_cgroup_limit(w, s) ? MM_UNKNOWN : s->limit_bytes;
}

static struct use use_of(const struct mm_work *w, const struct mm_sample *s)
{
	struct use best = { MM_UNKNOWN, s->limit_bytes, MM_LIMIT_UNKNOWN, "" };
	uint64_t total = machine_total(w, s);

	if (is_cgroup_limit(w, s))
		best = (struct use){ s->cgroup_bytes, s->limit_bytes, MM_LIMIT_CGROUP, "cgroup" };
	if (total != MM_UNKNOWN && s->mem_available_bytes <= total) {
		struct use m = { total - s->mem_available_bytes, total, MM_LIMIT_MACHINE, "machine" };
		if (best.used == MM_UNKNOWN || mm_ratio_ppm(m.used, m.limit) >
					       mm_ratio_ppm(best.used, best.limit))
			best = m;
	}
	if (best.used == MM_UNKNOWN && w->selected_count == 1)
		best = (struct use){ s->rss_bytes, s->limit_bytes, s->limit_bytes == total
			? MM_LIMIT_MACHINE : MM_LIMIT_CGROUP, "rss" };
	if (best.limit == MM_UNKNOWN)
		best.kind = MM_LIMIT_UNKNOWN;
	return best;
}

static uint64_t level_of(uint64_t ppm, uint64_t before)
{
	uint64_t level = MM_LEVEL_CRITICAL;

	while (level && ppm < threshold_ppm[level] - (level <= before ? HYSTERESIS_PPM : 0))
		level--;
	return level;
}

/* The levels of samples, one after the other. */
struct ladder { uint64_t by_use; int raised; uint64_t level; };

static void climb(struct ladder *l, const struct mm_sample *s, uint64_t ppm)
{
	if (s->psi_full_ppm != MM_UNKNOWN)
		l->raised = s->psi_full_ppm > FULL_PPM ||
			    (l->raised && s->psi_full_ppm >= FULL_PPM - HYSTERESIS_PPM);
	if (ppm != MM_UNKNOWN)
		l->by_use = level_of(ppm, l->by_use);
	if (ppm == MM_UNKNOWN && s->psi_full_ppm == MM_UNKNOWN)
		return;
	l->level = l->by_use + (l->raised && l->by_use < MM_LEVEL_CRITICAL);
}

static int take_samples(struct pressure_fill *f)
{
	struct ladder l = { .level = MM_UNKNOWN };
	int any = 0;

	for (size_t i = 0; i < f->w->notes.sample_count; i++) {
		const struct mm_note_sample *s = &f->w->notes.samples[i];
		struct use u = use_of(f->w, &s->sample);
		uint64_t before = l.level;
		if (s->time >= f->w->to)
			break;
		climb(&l, &s->sample, mm_ratio_ppm(u.used, u.limit));
		any |= l.level != MM_UNKNOWN;
		if (l.level != before)
			add_step(f, s->time, s->process, l.level, before,
				 l.level != l.by_use ? "psi" : u.cause);
	}
	return any;
}

/* --- levels over the range ----------------------------------------------------------------------- */

static void settle_levels(struct pressure_fill *f)
{
	struct mm_report_pressure *p = f->p;
	uint64_t from = f->w->from, end = f->w->report->run.to_ns;

	for (size_t i = 0; i < f->step_count; i++) {
		const struct step *s = &f->steps[i];
		uint64_t start = s->time < from ? from : s->time;
		uint64_t stop = i + 1 < f->step_count ? f->steps[i + 1].time : end;
		if (stop > start)
			p->level_ns[s->level] += stop - start;
		p->level = s->level;
		p->since_ns = s->time;
		p->cause = s->cause;
		p->transition_count += s->time >= from && s->before != MM_UNKNOWN;
		int counts = s->time >= from || stop > from;
		if (counts && (p->worst_level == MM_UNKNOWN || s->level > p->worst_level)) {
			p->worst_level = s->level;
			p->worst_at_ns = start;
		}
	}
}

/* The process was gone when it was taken. */
static int says_nothing(const struct mm_sample *s)
{
	return s->rss_bytes == MM_UNKNOWN && s->mem_available_bytes == MM_UNKNOWN &&
	       s->cgroup_bytes == MM_UNKNOWN;
}

static void settle_sample(struct pressure_fill *f)
{
	const struct mm_note_sample *last = NULL;

	for (size_t i = 0; i < f->w->notes.sample_count; i++)
		if (f->w->notes.samples[i].time < f->w->to &&
		    !says_nothing(&f->w->notes.samples[i].sample))
			last = &f->w->notes.samples[i];
	if (!last)
		return;
	struct use u = use_of(f->w, &last->sample);
	f->p->sample_at_ns = last->time;
	f->p->sample = last->sample;
	f->p->limit_kind = u.kind;
	f->p->used_bytes = u.used;
	f->p->sample.limit_bytes = u.limit;
	f->p->used_ppm = mm_ratio_ppm(u.used, u.limit);
	if (f->w->selected_count > 1)
		f->p->sample.rss_bytes = f->p->sample.anon_bytes =
			f->p->sample.rss_peak_bytes = MM_UNKNOWN;
}

/* --- the log ----------------------------------------------------------------------------------- */

/* Of each kind the last LOGGED of the range: the last of all kinds are among them. */
static int logs(struct pressure_fill *f, uint64_t time, size_t *taken)
{
	if (time < f->w->from || time >= f->w->to)
		return 0;
	if ((*taken)++ < LOGGED)
		return 1;
	f->p->log_left_out_count++;
	return 0;
}

static void put_log(struct pressure_fill *f, struct mm_report_log entry)
{
	f->log[f->log_count++] = entry;
}

static void log_steps(struct pressure_fill *f)
{
	size_t taken = 0;

	for (size_t i = f->step_count; i-- > 0;) {
		const struct step *s = &f->steps[i];
		if (logs(f, s->time, &taken))
			put_log(f, (struct mm_report_log){ MM_LOG_LEVEL, s->process, s->time,
				s->level, s->before, "", s->cause, "", MM_NO_TIER, MM_UNKNOWN,
				MM_UNKNOWN });
	}
}

static uint32_t tier_place(const struct mm_report *r, uint32_t process, uint32_t number)
{
	for (size_t i = 0; i < r->tiers.count; i++)
		if (r->tiers.tiers[i].number == number && r->tiers.tiers[i].process == process)
			return (uint32_t)i;
	return MM_NO_TIER;
}

static void log_moves(struct pressure_fill *f)
{
	const struct mm_notices *n = &f->w->notes.notices;
	size_t taken = 0;

	for (size_t i = n->move_count; i-- > 0;) {
		const struct mm_note_move *m = &n->moves[i];
		if (m->kind == MM_EV_TIER_MOVE || !logs(f, m->time, &taken))
			continue;
		put_log(f, (struct mm_report_log){
			m->kind == MM_EV_EVICT ? MM_LOG_EVICT : MM_LOG_DENY, m->process, m->time,
			MM_UNKNOWN, MM_UNKNOWN, m->category, m->cause, "",
			tier_place(f->w->report, m->process, m->from), m->bytes, MM_UNKNOWN });
	}
}

static uint64_t budget_before(const struct pressure_fill *f, size_t i)
{
	const struct mm_note_budget *b = f->w->notes.budgets;
	const struct mm_categories *c = f->w->options->categories;

	for (size_t k = i; k-- > 0;)
		if (b[k].category == b[i].category)
			return b[k].bytes;
	for (uint32_t k = 0; k < mm_categories_count(c); k++)
		if (strcmp(mm_categories_name(c, k), b[i].category) == 0)
			return mm_categories_budget(c, k);
	return MM_UNKNOWN;
}

static void log_budgets(struct pressure_fill *f)
{
	const struct mm_note_budget *b = f->w->notes.budgets;
	size_t taken = 0;

	for (size_t i = f->w->notes.budget_count; i-- > 0;)
		if (logs(f, b[i].time, &taken))
			put_log(f, (struct mm_report_log){ MM_LOG_BUDGET, b[i].process, b[i].time,
				MM_UNKNOWN, MM_UNKNOWN, b[i].category, "", "", MM_NO_TIER,
				b[i].bytes, budget_before(f, i) });
}

static void log_marks(struct pressure_fill *f)
{
	const struct mm_note_mark *m = f->w->notes.marks;
	size_t taken = 0;

	for (size_t i = f->w->notes.mark_count; i-- > 0;)
		if (logs(f, m[i].time, &taken))
			put_log(f, (struct mm_report_log){ MM_LOG_MARK, m[i].process, m[i].time,
				MM_UNKNOWN, MM_UNKNOWN, "", "", m[i].text, MM_NO_TIER, MM_UNKNOWN,
				MM_UNKNOWN });
}

/* At one time: first what the program did, then the level. Those of a kind stand newest
 * first. */
static int log_order(const void *a, const void *b)
{
	static const uint8_t rank[] = { [MM_LOG_LEVEL] = 4, [MM_LOG_EVICT] = 2, [MM_LOG_DENY] = 3,
					[MM_LOG_BUDGET] = 1, [MM_LOG_MARK] = 0 };
	const struct mm_report_log *const *x = a, *const *y = b;

	if ((*x)->t_ns != (*y)->t_ns)
		return (*x)->t_ns < (*y)->t_ns ? -1 : 1;
	if (rank[(*x)->kind] != rank[(*y)->kind])
		return rank[(*x)->kind] < rank[(*y)->kind] ? -1 : 1;
	return *x > *y ? -1 : *x < *y;
}

static int store_log(struct pressure_fill *f, const struct mm_report_log **sorted)
{
	size_t kept = f->log_count < LOGGED ? f->log_count : LOGGED;

	for (size_t i = 0; i < f->log_count; i++)
		sorted[i] = &f->log[i];
	qsort(sorted, f->log_count, sizeof *sorted, log_order);
	f->p->log_left_out_count += f->log_count - kept;
	f->p->log = mm_report_store_alloc(f->w->store, kept, sizeof *f->p->log);
	if (kept && !f->p->log)
		return MM_ENOMEM;
	for (size_t i = 0; i < kept; i++)
		f->p->log[i] = *sorted[f->log_count - kept + i];
	f->p->log_count = kept;
	return MM_OK;
}

static int fill_log(struct pressure_fill *f)
{
	const struct mm_report_log **sorted = calloc(4 * LOGGED, sizeof *sorted);

	f->log = calloc(4 * LOGGED, sizeof *f->log);
	int err = f->log && sorted ? MM_OK : MM_ENOMEM;
	if (!err) {
		log_steps(f);
		log_moves(f);
		log_budgets(f);
		log_marks(f);
		err = store_log(f, sorted);
	}
	free(f->log);
	free(sorted);
	return err;
}

/* --- all together ------------------------------------------------------------------------------ */

static void begin(struct mm_report_pressure *p)
{
	p->level = p->since_ns = p->worst_level = p->worst_at_ns = MM_UNKNOWN;
	p->cause = "";
	p->sample_at_ns = p->used_bytes = p->used_ppm = MM_UNKNOWN;
	memset(&p->sample, 0xff, sizeof p->sample);
	for (int i = 0; i < MM_LEVEL_COUNT; i++)
		p->threshold_ppm[i] = threshold_ppm[i];
	p->hysteresis_ppm = HYSTERESIS_PPM;
	p->full_ppm = FULL_PPM;
}

int mm_fill_pressure(struct mm_work *w)
{
	struct pressure_fill f = { .w = w, .p = &w->report->pressure };

	begin(f.p);
	if (take_told(&f))
		f.p->source = MM_PRESSURE_TOLD;
	else if (take_samples(&f))
		f.p->source = MM_PRESSURE_SAMPLES;
	settle_levels(&f);
	settle_sample(&f);
	int err = f.failed ? MM_ENOMEM : fill_log(&f);
	free(f.steps);
	return err;
}
