/* band_pool.h: bricks of a narrow band, by place.
 *
 * Promise: a brick keeps its number and its payload's address while others come and go;
 * growth moves no payload; bricks of one region lie in one slab while it has room. Nothing
 * of the engine's lies in a payload.
 * Vocabulary
 *   brick    8 x 8 x 8 voxels; its place counts bricks, -2^20 to 2^20 - 1 on each axis
 *   key      Morton code of a place, x lowest, each axis shifted by 2^20
 *   region   4 x 4 x 4 bricks
 *   payload  512 voxels in one format; CONST has none, the value is in the header
 *   band     distance at which values are cut off: I16 and I8 store value / band
 * All functions: any thread, one lock a pool. Never: decides by an address.
 */
#ifndef MM_ALLOC_BAND_POOL_H
#define MM_ALLOC_BAND_POOL_H

#include <stdint.h>

#include "alloc/gate.h"

enum { MM_BAND_VOXELS = 512, MM_BAND_SIDES = 6 /* -x +x -y +y -z +z */ };
enum mm_band_format { MM_BAND_F32, MM_BAND_I16, MM_BAND_I8, MM_BAND_CONST, MM_BAND_FORMATS };

struct mm_band;

struct mm_band_options {
	uint64_t bytes;   /* of addresses at most; 0 = 64 GiB */
	float band;       /* in the caller's length; 0 = 3 */
	enum mm_band_format precision; /* for mm_band_take with MM_BAND_FORMATS */
	struct mm_gate gate; /* of payloads of live bricks; MM_ELIMIT when it refuses */
};

/* committed = payload + slack + hash + retained + metadata, exactly. Bytes. */
struct mm_band_account {
	uint64_t committed;
	uint64_t payload;   /* of bricks that are live */
	uint64_t slack;     /* free blocks of slabs */
	uint64_t hash;      /* the part of it that lies in slices of its own */
	uint64_t retained, metadata;
	uint64_t bricks, by_format[MM_BAND_FORMATS], slabs;
};

/* MM_EINVAL, MM_ENOMEM, MM_ENOSPC. The caller closes it. */
int mm_band_open(struct mm_band **ret, const struct mm_band_options *o);
void mm_band_close(struct mm_band *p);

/* The key of a place. MM_EINVAL outside the range. */
int mm_band_key(int32_t x, int32_t y, int32_t z, uint64_t *ret_key);

/* A brick, content undefined, mask empty. MM_EEXIST, MM_EINVAL, MM_ENOMEM, MM_ENOSPC. */
int mm_band_take(struct mm_band *p, uint64_t key, enum mm_band_format f, uint32_t *ret_brick);
int mm_band_give(struct mm_band *p, uint64_t key); /* MM_ENOENT */

/* The brick at a key, 0 = none. */
uint32_t mm_band_find(struct mm_band *p, uint64_t key);
/* The neighbour of a live brick on a side, 0 = none. What was found is kept until bricks
 * come or go there. */
uint32_t mm_band_neighbour(struct mm_band *p, uint32_t brick, unsigned side);

/* Of a live brick; no lock. Address of the payload (0 = CONST), and of 8 words of mask. */
uint64_t mm_band_payload(const struct mm_band *p, uint32_t brick);
uint64_t *mm_band_mask(struct mm_band *p, uint32_t brick);
enum mm_band_format mm_band_format(const struct mm_band *p, uint32_t brick);

/* Changes the format; its payload may move. Error at most band / 65534 (I16), band / 254
 * (I8), and the rounding of a float (2e-7 x band), of a voxel within the band; others are cut
 * off at it. To CONST: MM_EINVAL unless all voxels are equal. MM_ENOENT, MM_ENOMEM, MM_ENOSPC. */
int mm_band_convert(struct mm_band *p, uint64_t key, enum mm_band_format to);

/* Calls for every brick in the order of keys, until it returns other than 0, which is
 * returned; the pool must not be changed meanwhile. MM_ENOMEM. */
int mm_band_each(struct mm_band *p, int (*each)(void *ctx, uint64_t key, uint32_t brick),
		 void *ctx);

/* Gives back all bricks of the cube of 8^level bricks that holds `key`. How many. */
uint32_t mm_band_drop(struct mm_band *p, uint64_t key, unsigned level);

/* The sink (core/sink.h) knows it as pool `told`, and hears of its slabs, bricks and their keys
 * from now on. With `again` it is told of the slabs there are. Nobody else may be in it. */
void mm_band_tell(struct mm_band *p, uint32_t told, int again);

/* Around a fork: nobody is in the middle of anything. */
void mm_band_hold(struct mm_band *p);
void mm_band_go_on(struct mm_band *p);

void mm_band_sums(struct mm_band *p, struct mm_band_account *ret);
/* 0, or the number of the rule that does not hold. Nobody else may be in it. */
int mm_band_check(struct mm_band *p);

/* Where all its memory lies, but for metadata: it stays so. */
void mm_band_addresses(const struct mm_band *p, uint64_t *ret_base, uint64_t *ret_bytes);

#endif
