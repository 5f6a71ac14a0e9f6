/* audit.c: seals, and what is logged (mm_audit.h). */
#include "manager/audit.h"

#include <string.h>

#include "core/error.h"
#include "manager/general.h"

/* --- the log ------------------------------------------------------------------------------ */

void mm_audit_add(struct mm_manager *m, const struct mm_audit_record *r)
{
	struct mm_audit *a = &m->audit;
	struct mm_audit_record *at;

	mm_lock_take(&a->lock);
	at = &a->record[a->count % MM_AUDIT_RECORDS];
	*at = *r;
	at->serial = ++a->count;
	at->at_ms = mm_general_now(m);
	a->of_kind[r->kind]++;
	mm_lock_give(&a->lock);
}

size_t mm_audit_read(struct mm_manager *m, uint64_t *at, struct mm_audit_record *ret, size_t room)
{
	uint64_t next, oldest;
	size_t n = 0;

	if (!(m = mm_general_of(m)))
		return 0;
	mm_lock_take(&m->audit.lock);
	oldest = m->audit.count < MM_AUDIT_RECORDS ? 1 : m->audit.count - MM_AUDIT_RECORDS + 1;
	for (next = *at < oldest ? oldest : *at; next <= m->audit.count && n < room; next++)
		ret[n++] = m->audit.record[(next - 1) % MM_AUDIT_RECORDS];
	mm_lock_give(&m->audit.lock);
	*at = next;
	return n;
}

uint64_t mm_audit_count(struct mm_manager *m, enum mm_audit_kind kind)
{
	uint64_t count;

	if ((unsigned)kind >= MM_AUDIT_KINDS || !(m = mm_general_of(m)))
		return 0;
	mm_lock_take(&m->audit.lock);
	count = m->audit.of_kind[kind];
	mm_lock_give(&m->audit.lock);
	return count;
}

static void log_of_seal(struct mm_manager *m, enum mm_audit_kind kind, const char *call,
			const struct mm_pool *p)
{
	struct mm_audit_record r = { .kind = kind, .call = call };

	if (p)
		strcpy(r.pool, p->name);
	mm_audit_add(m, &r);
}

/* --- seals --------------------------------------------------------------------------------- */

uint64_t mm_key_show(uint64_t key)
{
	struct mm_rider *r = mm_rider_mine();
	uint64_t was = r ? r->key : 0;

	if (r)
		r->key = key;
	return was;
}

static uint64_t key_shown(void)
{
	struct mm_rider *r = mm_rider_mine();

	return r ? r->key : 0;
}

int mm_seal_check(struct mm_manager *m, const char *call)
{
	uint64_t key = atomic_load(&m->seal.key);

	if (!key || key == key_shown())
		return MM_OK;
	log_of_seal(m, MM_AUDIT_REFUSED, call, NULL);
	return MM_EPERM;
}

int mm_seal_check_pool(struct mm_pool *p, const char *call)
{
	uint64_t key = atomic_load(&p->seal.key), shown;

	if (!key)
		return MM_OK;
	shown = key_shown();
	if (shown && (shown == key || shown == atomic_load(&p->manager->seal.key)))
		return MM_OK;
	log_of_seal(p->manager, MM_AUDIT_REFUSED, call, p);
	return MM_EPERM;
}

static int close_seal(struct mm_seal *s, uint64_t key)
{
	uint64_t none = 0;

	if (!key)
		return MM_EINVAL;
	return atomic_compare_exchange_strong(&s->key, &none, key) ? MM_OK : MM_EPERM;
}

static int break_seal(struct mm_seal *s, uint64_t key)
{
	uint64_t was = key;

	if (!atomic_load(&s->key))
		return MM_EINVAL;
	return key && atomic_compare_exchange_strong(&s->key, &was, 0) ? MM_OK : MM_EPERM;
}

/* What came of it, which is logged. */
static int logged(int err, struct mm_manager *m, enum mm_audit_kind kind, const char *call,
		  const struct mm_pool *p)
{
	if (!err)
		log_of_seal(m, kind, call, p);
	else if (err == MM_EPERM)
		log_of_seal(m, MM_AUDIT_REFUSED, call, p);
	return err;
}

int mm_manager_seal(struct mm_manager *m, uint64_t key)
{
	return (m = mm_general_of(m)) ? logged(close_seal(&m->seal, key), m, MM_AUDIT_SEALED,
					       "mm_manager_seal", NULL) : MM_ENOMEM;
}

int mm_manager_unseal(struct mm_manager *m, uint64_t key)
{
	return (m = mm_general_of(m)) ? logged(break_seal(&m->seal, key), m, MM_AUDIT_UNSEALED,
					       "mm_manager_unseal", NULL) : MM_ENOMEM;
}

int mm_pool_seal(struct mm_pool *p, uint64_t key)
{
	return logged(close_seal(&p->seal, key), p->manager, MM_AUDIT_SEALED, "mm_pool_seal", p);
}

int mm_pool_unseal(struct mm_pool *p, uint64_t key)
{
	return logged(break_seal(&p->seal, key), p->manager, MM_AUDIT_UNSEALED,
		      "mm_pool_unseal", p);
}
