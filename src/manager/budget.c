/* budget.c: purses and their limits (budget.h). */
#include "manager/budget.h"

#include <string.h>

#include "core/error.h"
#include "manager/manager.h"

#define MOST (UINT64_C(1) << 63)

static const struct { const char *name; uint64_t mib; } built_in[MM_CATEGORIES_BUILT_IN] = {
	{ "svo_nodes", 256 }, { "sdf_fields", 512 }, { "narrow_band", 128 },
	{ "material_channels", 256 }, { "mesh_data", 128 }, { "general", 64 },
};

void mm_budget_init(struct mm_budget *b)
{
	for (uint32_t i = 0; i < MM_CATEGORIES_BUILT_IN; i++) {
		strcpy(b->purse[i].name, built_in[i].name);
		b->purse[i].limit = built_in[i].mib << 20;
	}
	b->categories = MM_CATEGORIES_BUILT_IN;
}

/* --- telling ------------------------------------------------------------------------------ */

static const enum mm_audit_kind audited[] = {
	[MM_ALARM_OVER_BUDGET] = MM_AUDIT_OVER, [MM_ALARM_DENIED] = MM_AUDIT_DENIED,
	[MM_ALARM_EVICTED] = MM_AUDIT_EVICTED,
};

void mm_budget_tell(struct mm_budget *b, enum mm_alarm_kind kind, uint32_t category,
		    uint64_t bytes)
{
	struct mm_alarm a = { kind, category, bytes, b->purse[category].used,
			      b->purse[category].limit };
	struct mm_subscriber s[MM_BUDGET_SUBSCRIBERS];

	mm_audit_add(b->evict_arg, &(struct mm_audit_record){ .kind = audited[kind],
							      .category = category,
							      .bytes = bytes });
	if (!atomic_load(&b->subscribers))
		return;
	mm_lock_take(&b->lock);
	memcpy(s, b->subscriber, sizeof s);
	mm_lock_give(&b->lock);
	for (int i = 0; i < MM_BUDGET_SUBSCRIBERS; i++)
		if (s[i].told)
			s[i].told(s[i].ctx, &a);
}

/* --- charging ------------------------------------------------------------------------------ */

static void raise_peak(_Atomic uint64_t *peak, uint64_t now)
{
	uint64_t was = atomic_load_explicit(peak, memory_order_relaxed);

	while (now > was && !atomic_compare_exchange_weak(peak, &was, now))
		;
}

static int has_room(uint64_t sum, uint64_t n, uint64_t most)
{
	return n <= most && sum <= most - n;
}

/* Adds unless the sum would exceed `most`. */
static int add_within(_Atomic uint64_t *sum, uint64_t n, uint64_t most, uint64_t *ret_now)
{
	uint64_t was = atomic_load_explicit(sum, memory_order_relaxed);

	do {
		if (!has_room(was, n, most))
			return 0;
	} while (!atomic_compare_exchange_weak(sum, &was, was + n));
	*ret_now = was + n;
	return 1;
}

static uint64_t limit_for(const struct mm_budget *b, enum mm_priority priority)
{
	uint64_t limit = b->limit, reserve = priority == MM_PRIORITY_CRITICAL ? 0 : b->reserve;

	if (!limit)
		return UINT64_MAX;
	return limit > reserve ? limit - reserve : 0; /* they are set one after the other */
}

/* All or nothing: the manager's sum, the number of blocks, the category's sum. What the category will
 * refuse takes nothing of the manager's meanwhile, for others could be refused for it. */
static int charge_within(struct mm_budget *b, uint32_t category, uint64_t bytes,
			 uint32_t blocks, enum mm_priority priority)
{
	struct mm_purse *p = &b->purse[category];
	uint64_t most = p->mode == MM_BUDGET_WARN ? UINT64_MAX : p->limit, now, all, live;

	if (!has_room(p->used, bytes, most) ||
	    !add_within(&b->used, bytes, limit_for(b, priority), &all))
		return MM_ELIMIT;
	if (blocks && !add_within(&b->live, blocks, b->live_limit ? b->live_limit : UINT64_MAX,
				  &live)) {
		atomic_fetch_sub(&b->used, bytes);
		return MM_ELIMIT;
	}
	if (!add_within(&p->used, bytes, most, &now)) {
		atomic_fetch_sub(&b->live, blocks);
		atomic_fetch_sub(&b->used, bytes);
		return MM_ELIMIT;
	}
	raise_peak(&b->peak, all);
	raise_peak(&p->peak, now);
	if (now > p->limit && now - bytes <= p->limit) {
		atomic_fetch_add(&p->over, 1);
		mm_budget_tell(b, MM_ALARM_OVER_BUDGET, category, bytes);
	}
	return MM_OK;
}

/* Makes room for what did not fit: in the category, or else in all. 0 when there is none, or
 * would never be enough. */
static uint64_t make_room(struct mm_budget *b, uint32_t category, uint64_t bytes,
			  enum mm_priority priority)
{
	struct mm_purse *p = &b->purse[category];
	uint64_t used = p->used, limit = p->limit, all = b->used, most = limit_for(b, priority);

	if (bytes > most || (p->mode != MM_BUDGET_WARN && bytes > limit))
		return 0;
	if (p->mode != MM_BUDGET_WARN && used > limit - bytes)
		return p->mode == MM_BUDGET_EVICT
			? b->evict(b->evict_arg, category, used + bytes - limit) : 0;
	return b->evict(b->evict_arg, UINT32_MAX, all > most - bytes ? all + bytes - most : 1);
}

int mm_budget_charge(struct mm_budget *b, uint32_t category, uint64_t bytes, uint32_t blocks,
		     enum mm_priority priority)
{
	struct mm_purse *p = &b->purse[category];
	int err = charge_within(b, category, bytes, blocks, priority);

	while (err && make_room(b, category, bytes, priority))
		err = charge_within(b, category, bytes, blocks, priority);
	if (err) {
		atomic_fetch_add(&p->denied, 1);
		mm_budget_tell(b, MM_ALARM_DENIED, category, bytes);
		return err;
	}
	atomic_fetch_add_explicit(&b->allocated, bytes, memory_order_relaxed);
	if (blocks) {
		atomic_fetch_add_explicit(&p->live, blocks, memory_order_relaxed);
		atomic_fetch_add_explicit(&p->allocs, blocks, memory_order_relaxed);
	}
	return MM_OK;
}

void mm_budget_uncharge(struct mm_budget *b, uint32_t category, uint64_t bytes, uint32_t blocks)
{
	struct mm_purse *p = &b->purse[category];

	atomic_fetch_sub(&p->used, bytes);
	atomic_fetch_sub(&b->used, bytes);
	atomic_fetch_add_explicit(&b->freed, bytes, memory_order_relaxed);
	if (blocks) {
		atomic_fetch_sub(&b->live, blocks);
		atomic_fetch_sub_explicit(&p->live, blocks, memory_order_relaxed);
	}
}

/* --- mm_alloc.h ------------------------------------------------------------------------------ */

static struct mm_budget *of(struct mm_manager *m)
{
	m = m ? m : mm_manager_default();
	return m ? &m->budget : NULL;
}

static uint32_t find_name(const struct mm_budget *b, const char *name)
{
	uint32_t n = 0;

	while (n < b->categories && strcmp(b->purse[n].name, name) != 0)
		n++;
	return n;
}

int mm_category(struct mm_manager *m, const char *name, uint32_t *ret)
{
	struct mm_budget *b = of(m);
	int err = MM_OK;

	if (!name || !*name || strlen(name) >= MM_CATEGORY_NAME_BYTES)
		return MM_EINVAL;
	if (!b)
		return MM_ENOMEM;
	mm_lock_take(&b->lock);
	uint32_t n = find_name(b, name);
	if (n == MM_CATEGORIES) {
		err = MM_ELIMIT;
	} else if (n == b->categories) {
		strcpy(b->purse[n].name, name);
		b->purse[n].limit = MM_NO_BUDGET;
		atomic_fetch_add(&b->categories, 1);
	}
	mm_lock_give(&b->lock);
	if (!err)
		*ret = n;
	return err;
}

const char *mm_category_name(struct mm_manager *m, uint32_t category)
{
	struct mm_budget *b = of(m);

	return b && category < b->categories ? b->purse[category].name : NULL;
}

int mm_budget_set(struct mm_manager *m, uint32_t category, uint64_t bytes,
		  enum mm_budget_mode mode)
{
	struct mm_budget *b = of(m);

	if (!b || category >= b->categories || (unsigned)mode > MM_BUDGET_EVICT ||
	    (bytes > MOST && bytes != MM_NO_BUDGET))
		return MM_EINVAL;
	if (mm_seal_check(b->evict_arg, "mm_budget_set"))
		return MM_EPERM;
	b->purse[category].limit = bytes;
	b->purse[category].mode = mode;
	mm_audit_add(b->evict_arg, &(struct mm_audit_record){ .kind = MM_AUDIT_BUDGET,
							      .category = category,
							      .bytes = bytes,
							      .call = "mm_budget_set" });
	return MM_OK;
}

int mm_usage(struct mm_manager *m, uint32_t category, struct mm_usage *ret)
{
	struct mm_budget *b = of(m);
	struct mm_purse *p;

	if (!b || category >= b->categories)
		return MM_EINVAL;
	p = &b->purse[category];
	uint64_t used = p->used, peak = p->peak; /* which others may be about to raise */
	*ret = (struct mm_usage){ p->limit, (enum mm_budget_mode)p->mode, used,
				  peak > used ? peak : used, p->live, p->allocs, p->denied,
				  p->over, p->evicted };
	return MM_OK;
}

int mm_is_pressure(struct mm_manager *m)
{
	struct mm_budget *b = of(m);

	for (uint32_t i = 0; b && i < b->categories; i++)
		if (b->purse[i].limit != MM_NO_BUDGET &&
		    b->purse[i].used >= b->purse[i].limit - b->purse[i].limit / 10)
			return 1;
	return b && b->limit && b->used >= b->limit - b->limit / 10;
}

int mm_subscribe(struct mm_manager *m, void (*told)(void *ctx, const struct mm_alarm *alarm),
		 void *ctx)
{
	struct mm_budget *b = of(m);
	int at = 0;

	if (!b || !told)
		return MM_EINVAL;
	mm_lock_take(&b->lock);
	while (at < b->subscribers && b->subscriber[at].told)
		at++;
	if (at < MM_BUDGET_SUBSCRIBERS) {
		b->subscriber[at].ctx = ctx;
		b->subscriber[at].told = told;
		if (at == b->subscribers)
			atomic_fetch_add(&b->subscribers, 1);
	}
	mm_lock_give(&b->lock);
	return at < MM_BUDGET_SUBSCRIBERS ? MM_OK : MM_ELIMIT;
}

int mm_unsubscribe(struct mm_manager *m, void (*told)(void *ctx, const struct mm_alarm *alarm),
		   void *ctx)
{
	struct mm_budget *b = of(m);
	int err = MM_ENOENT;

	if (!b)
		return MM_ENOENT;
	mm_lock_take(&b->lock);
	for (int i = 0; err && i < b->subscribers; i++)
		if (b->subscriber[i].told == told && b->subscriber[i].ctx == ctx) {
			b->subscriber[i].told = NULL;
			err = MM_OK;
		}
	mm_lock_give(&b->lock);
	return err;
}
