#ifndef C_ALLOCATION_COUNT_H
#define C_ALLOCATION_COUNT_H

/* Calls of malloc, calloc and realloc by this thread since it began; 0 where the C library is not glibc. */
unsigned long allocation_count(void);

#endif
