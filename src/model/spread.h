/* spread.h: from objects and their addresses to the map of a heap.
 *
 * Vocabulary: as struct mm_report_map. Pure: no trace, no state. Inner header of the model.
 */
#ifndef MM_MODEL_SPREAD_H
#define MM_MODEL_SPREAD_H

#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "model/report.h"
#include "model/report_store.h"

struct mm_placed { uint64_t addr, size, time; uint32_t category, pad; };

/* Orders objects by address (and as they stood where that is equal): 0 or MM_ENOMEM. */
int mm_placed_sort(struct mm_placed *objects, size_t count);

/* Objects in order become ranges, holes and, as far as asked for, cells; slabs that the map
 * has are counted out. `categories`: numbers are below it. 0 or MM_ENOMEM. */
int mm_spread_objects(struct mm_report_map *map, const struct mm_placed *objects, size_t count,
		 const struct mm_map_request *request, uint32_t categories,
		 struct mm_report_store *store);

#endif
