/* What the stand-ins of CUDA's libraries are made of: functions that do nothing, that make a handle, or that log that they were called. */
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <stddef.h>
extern void stub_log(const char *format, ...);
#define NOTHING(name) int name(void) { return 0; }
#define HANDLE(name) int name(void **handle) { return *handle = calloc(1, 4096), 0; }
#define CALL(library, name) int name(void) { return stub_log("CALL " library " " #name), 0; }
