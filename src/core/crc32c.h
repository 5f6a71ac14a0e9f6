/* crc32c.h: the Castagnoli checksum (RFC 3720, appendix B.4).
 *
 * mm_crc32c(0, "123456789", 9) == 0xe3069283. Chainable: pass the last result
 * as `crc`. Any thread, signal-safe.
 */
#ifndef MM_CORE_CRC32C_H
#define MM_CORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t mm_crc32c(uint32_t crc, const void *data, size_t bytes);

#endif
