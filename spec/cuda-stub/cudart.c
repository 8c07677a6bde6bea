/* CUDA's runtime without a GPU. Memory is the host's and copies are real; kernels do nothing. What is asked of the device is written,
   a line each, to the file that NETRUN_CUDA_LOG names: COPY kind bytes, KERNEL name, SYNC what, CALL library function. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OK 0
#define NO_MEMORY 2
/* An H100: onnxruntime has kernels for compute capability 9.0. */
#define MAJOR 9
#define MINOR 0
#define MEMORY (80ull << 30)
#define MULTIPROCESSORS 132

static int log_file = -2;
static __thread int current;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* A line of the log. The other libraries call it too. */
void stub_log(const char *format, ...) {
  if (log_file == -2) {
    const char *path = getenv("NETRUN_CUDA_LOG");
    log_file = path ? open(path, O_WRONLY | O_APPEND | O_CREAT, 0644) : -1;
  }
  if (log_file < 0) return;
  char line[400];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(line, sizeof line - 1, format, arguments);
  va_end(arguments);
  if (length > (int)sizeof line - 2) length = sizeof line - 2;
  line[length++] = '\n';
  if (write(log_file, line, length) < 0) log_file = -1;
}

/* Memory, by what it stands for: as cudaMemoryType. */
enum { UNREGISTERED = 0, HOST = 1, DEVICE = 2 };
static struct { char *start; size_t bytes; int type; } blocks[65536];
static int block_count;
static size_t used;

static void *take(size_t bytes, int type) {
  bytes = (bytes + 4096) & ~(size_t)4095;
  char *start = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (start == MAP_FAILED) return 0;
  pthread_mutex_lock(&mutex);
  if (block_count < 65536) {
    blocks[block_count].start = start;
    blocks[block_count].bytes = bytes;
    blocks[block_count++].type = type;
  }
  if (type == DEVICE) used += bytes;
  pthread_mutex_unlock(&mutex);
  return start;
}

static void give(void *start) {
  size_t bytes = 0;
  pthread_mutex_lock(&mutex);
  for (int i = block_count - 1; i >= 0; i--) {
    if (blocks[i].start != start) continue;
    bytes = blocks[i].bytes;
    if (blocks[i].type == DEVICE) used -= bytes;
    blocks[i] = blocks[--block_count];
    break;
  }
  pthread_mutex_unlock(&mutex);
  if (bytes) munmap(start, bytes);
}

static int type_of(const void *pointer) {
  int type = UNREGISTERED;
  pthread_mutex_lock(&mutex);
  for (int i = 0; i < block_count; i++)
    if ((char *)pointer >= blocks[i].start && (char *)pointer < blocks[i].start + blocks[i].bytes) type = blocks[i].type;
  pthread_mutex_unlock(&mutex);
  return type;
}

static int allocate(void **pointer, size_t bytes, int type) { return (*pointer = take(bytes, type)) ? OK : NO_MEMORY; }
int cudaMalloc(void **p, size_t bytes) { return allocate(p, bytes, DEVICE); }
int cudaMallocFromPoolAsync(void **p, size_t bytes, void *pool, void *stream) { return allocate(p, bytes, DEVICE); }
int cudaMallocHost(void **p, size_t bytes) { return allocate(p, bytes, HOST); }
int cudaHostAlloc(void **p, size_t bytes, unsigned flags) { return allocate(p, bytes, HOST); }
int cudaFree(void *p) { return give(p), OK; }
int cudaFreeAsync(void *p, void *stream) { return give(p), OK; }
int cudaFreeHost(void *p) { return give(p), OK; }
int cudaMemGetInfo(size_t *rest, size_t *total) { return *total = MEMORY, *rest = MEMORY - used, OK; }

static const char *kinds[] = {"H2H", "H2D", "D2H", "D2D", "DEFAULT"};
static int copy(void *to, const void *from, size_t bytes, int kind) {
  stub_log("COPY %s %zu", kinds[kind >= 0 && kind < 5 ? kind : 4], bytes);
  if (to && from && bytes) memmove(to, from, bytes);
  return OK;
}
int cudaMemcpy(void *to, const void *from, size_t bytes, int kind) { return copy(to, from, bytes, kind); }
int cudaMemcpyAsync(void *to, const void *from, size_t bytes, int kind, void *stream) { return copy(to, from, bytes, kind); }
int cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height, int kind, void *stream) {
  stub_log("COPY %s %zu", kinds[kind >= 0 && kind < 5 ? kind : 4], width * height);
  for (size_t i = 0; i < height; i++) memmove((char *)to + i * to_pitch, (const char *)from + i * from_pitch, width);
  return OK;
}
int cudaMemcpyFromSymbol(void *to, const void *symbol, size_t bytes, size_t offset, int kind) { return memset(to, 0, bytes), OK; }
int cudaMemset(void *p, int value, size_t bytes) { return memset(p, value, bytes), OK; }
int cudaMemsetAsync(void *p, int value, size_t bytes, void *stream) { return memset(p, value, bytes), OK; }

/* Structures of CUDA 13 by where their fields are, in bytes. */
static void put32(void *base, size_t at, int32_t value) { memcpy((char *)base + at, &value, sizeof value); }
static void put64(void *base, size_t at, uint64_t value) { memcpy((char *)base + at, &value, sizeof value); }

int cudaGetDeviceProperties(void *properties, int device) {
  memset(properties, 0, 1008);
  strcpy(properties, "stand-in for CUDA");
  put64(properties, 288, MEMORY);           /* totalGlobalMem */
  put64(properties, 296, 48 << 10);         /* sharedMemPerBlock */
  put32(properties, 304, 65536);            /* regsPerBlock */
  put32(properties, 308, 32);               /* warpSize */
  put64(properties, 312, 0x7fffffff);       /* memPitch */
  put32(properties, 320, 1024);             /* maxThreadsPerBlock */
  put32(properties, 324, 1024);             /* maxThreadsDim */
  put32(properties, 328, 1024);
  put32(properties, 332, 64);
  put32(properties, 336, 0x7fffffff);       /* maxGridSize */
  put32(properties, 340, 65535);
  put32(properties, 344, 65535);
  put64(properties, 352, 65536);            /* totalConstMem */
  put32(properties, 360, MAJOR);
  put32(properties, 364, MINOR);
  put64(properties, 368, 512);              /* textureAlignment */
  put64(properties, 376, 32);               /* texturePitchAlignment */
  put32(properties, 384, MULTIPROCESSORS);
  put32(properties, 392, 1);                /* canMapHostMemory */
  put32(properties, 560, 1);                /* concurrentKernels */
  put32(properties, 584, 3);                /* asyncEngineCount */
  put32(properties, 588, 1);                /* unifiedAddressing */
  put32(properties, 596, 50 << 20);         /* l2CacheSize */
  put32(properties, 604, 2048);             /* maxThreadsPerMultiProcessor */
  put64(properties, 624, 228 << 10);        /* sharedMemPerMultiprocessor */
  put32(properties, 632, 65536);            /* regsPerMultiprocessor */
  put32(properties, 636, 1);                /* managedMemory */
  put64(properties, 672, 227 << 10);        /* sharedMemPerBlockOptin */
  put32(properties, 688, 32);               /* maxBlocksPerMultiProcessor */
  put64(properties, 696, 1 << 10);          /* reservedSharedMemPerBlock */
  put32(properties, 720, 1);                /* memoryPoolsSupported */
  return OK;
}

int cudaPointerGetAttributes(void *attributes, const void *pointer) {
  int type = type_of(pointer);
  memset(attributes, 0, 88);
  put32(attributes, 0, type);
  if (type != UNREGISTERED) put64(attributes, 8, (uintptr_t)pointer);
  if (type != DEVICE) put64(attributes, 16, (uintptr_t)pointer);
  return OK;
}

int cudaFuncGetAttributes(void *attributes, const void *function) {
  memset(attributes, 0, 144);
  put32(attributes, 24, 1024);       /* maxThreadsPerBlock */
  put32(attributes, 28, 32);         /* numRegs */
  put32(attributes, 32, 90);         /* ptxVersion */
  put32(attributes, 36, 90);         /* binaryVersion */
  put32(attributes, 44, 227 << 10);  /* maxDynamicSharedSizeBytes */
  return OK;
}

int cudaDeviceGetAttribute(int *value, int attribute, int device) {
  switch (attribute) {
    case 1: case 2: case 3: *value = 1024; break;       /* threads of a block, and of its x and y */
    case 4: *value = 64; break;                         /* of its z */
    case 5: *value = 0x7fffffff; break;                 /* blocks of a grid's x */
    case 6: case 7: *value = 65535; break;              /* of its y and z */
    case 8: *value = 48 << 10; break;                   /* shared memory of a block */
    case 10: *value = 32; break;                        /* threads of a warp */
    case 12: *value = 65536; break;                     /* registers of a block */
    case 16: *value = MULTIPROCESSORS; break;
    case 39: *value = 2048; break;                      /* threads of a multiprocessor */
    case 75: *value = MAJOR; break;
    case 76: *value = MINOR; break;
    case 81: *value = 228 << 10; break;                 /* shared memory of a multiprocessor */
    case 97: *value = 227 << 10; break;                 /* of a block, where it asks for it */
    case 106: *value = 32; break;                       /* blocks of a multiprocessor */
    case 115: *value = 1; break;                        /* memory pools */
    default: *value = 1;
  }
  return OK;
}

/* As many devices as NETRUN_CUDA_DEVICES says, one by default; each thread has its own current one. */
static int devices(void) {
  const char *count = getenv("NETRUN_CUDA_DEVICES");
  return count ? atoi(count) : 1;
}
int cudaGetDevice(int *device) { return *device = current, OK; }
int cudaSetDevice(int device) {
  if (device < 0 || device >= devices()) return 101;
  current = device;
  return OK;
}
int cudaGetDeviceCount(int *count) { return *count = devices(), OK; }
int cudaDriverGetVersion(int *version) { return *version = 13000, OK; }
int cudaRuntimeGetVersion(int *version) { return *version = 13000, OK; }
const char *cudaGetErrorName(int error) { return error ? "stand-in error" : "cudaSuccess"; }
const char *cudaGetErrorString(int error) { return error ? "there is no such device" : "no error"; }
int cudaGetLastError(void) { return OK; }
int cudaPeekAtLastError(void) { return OK; }

int cudaDeviceSynchronize(void) { return stub_log("SYNC device"), OK; }
int cudaStreamSynchronize(void *stream) { return stub_log("SYNC stream"), OK; }
int cudaEventSynchronize(void *event) { return stub_log("SYNC event"), OK; }

/* Handles are memory that nobody reads. */
static int handle(void **p) { return *p = calloc(1, 64), OK; }
int cudaStreamCreate(void **stream) { return handle(stream); }
int cudaStreamCreateWithFlags(void **stream, unsigned flags) { return handle(stream); }
int cudaEventCreate(void **event) { return handle(event); }
int cudaEventCreateWithFlags(void **event, unsigned flags) { return handle(event); }
int cudaEventElapsedTime(float *ms, void *from, void *to) { return *ms = 1, OK; }
int cudaMemPoolCreate(void **pool, const void *properties) { return handle(pool); }
int cudaMemPoolGetAttribute(void *pool, int attribute, void *value) { return *(uint64_t *)value = 0, OK; }
int cudaLibraryLoadData(void **library, const void *code, void *a, void *b, unsigned n, void *c, void *d, unsigned m) { return handle(library); }
int cudaLibraryGetKernel(void **kernel, void *library, const char *name) { return handle(kernel); }
int cudaStreamIsCapturing(void *stream, int *status) { return *status = 0, OK; }
int cudaLaunchHostFunc(void *stream, void (*function)(void *), void *data) { return function(data), OK; }
int cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *blocks_, const void *function, int size, size_t shared, unsigned flags) { return *blocks_ = 2, OK; }
int cudaGetDriverEntryPointByVersion(const char *name, void **function, unsigned version, unsigned long long flags, int *status) {
  *function = dlsym(RTLD_DEFAULT, name);
  if (status) *status = *function ? 0 : 1;
  return OK;
}

/* Kernels are known by their names alone, which the provider registers when it is loaded. */
typedef struct { unsigned x, y, z; } Size;
static struct { const void *host; const char *name; } *kernels;
static int kernel_count, kernel_room;
static int by_host(const void *a, const void *b) {
  const char *x = *(const char **)a, *y = *(const char **)b;
  return x < y ? -1 : x > y;
}
void **__cudaRegisterFatBinary(void *binary) { return calloc(1, 64); }
void __cudaRegisterFatBinaryEnd(void **binary) {}
void __cudaUnregisterFatBinary(void **binary) {}
void __cudaRegisterVar(void **binary, char *host, char *device, const char *name, int external, size_t bytes, int constant, int global) {}
static int is_sorted;
void __cudaRegisterFunction(void **binary, const char *host, char *device, const char *name, int limit, void *a, void *b, void *c, void *d, int *e) {
  if (kernel_count == kernel_room) {
    kernel_room = kernel_room ? 2 * kernel_room : 16384;
    kernels = realloc(kernels, kernel_room * sizeof *kernels);
  }
  kernels[kernel_count].host = host;
  kernels[kernel_count++].name = name;
  is_sorted = 0;
}
static int launch(const void *host) {
  pthread_mutex_lock(&mutex);
  if (!is_sorted) qsort(kernels, kernel_count, sizeof *kernels, by_host);
  is_sorted = 1;
  int low = 0, high = kernel_count;
  while (low < high) {
    int middle = (low + high) / 2;
    if (kernels[middle].host < host) low = middle + 1;
    else high = middle;
  }
  const char *name = low < kernel_count && kernels[low].host == host ? kernels[low].name : "?";
  pthread_mutex_unlock(&mutex);
  stub_log("KERNEL %.300s on %d", name, current);
  return OK;
}
static __thread struct { Size grid, block; size_t shared; void *stream; } calls[16];
static __thread int call_count;
unsigned __cudaPushCallConfiguration(Size grid, Size block, size_t shared, void *stream) {
  if (call_count < 16) {
    calls[call_count].grid = grid;
    calls[call_count].block = block;
    calls[call_count].shared = shared;
    calls[call_count++].stream = stream;
  }
  return OK;
}
int __cudaPopCallConfiguration(Size *grid, Size *block, size_t *shared, void *stream) {
  if (call_count == 0) return OK;
  call_count--;
  *grid = calls[call_count].grid;
  *block = calls[call_count].block;
  *shared = calls[call_count].shared;
  *(void **)stream = calls[call_count].stream;
  return OK;
}
int __cudaGetKernel(void **kernel, const void *host) { return *kernel = (void *)host, OK; }
int __cudaLaunchKernel(void *kernel, Size grid, Size block, void **arguments, size_t shared, void *stream) { return launch(kernel); }
int cudaLaunchKernel(const void *host, Size grid, Size block, void **arguments, size_t shared, void *stream) { return launch(host); }
int cudaLaunchCooperativeKernel(const void *host, Size grid, Size block, void **arguments, size_t shared, void *stream) { return launch(host); }
int cudaLaunchKernelExC(const void *configuration, const void *host, void **arguments) { return launch(host); }

#define NOTHING(name) int name(void) { return OK; }
NOTHING(cudaEventDestroy)
NOTHING(cudaEventRecord)
NOTHING(cudaFuncSetAttribute)
NOTHING(cudaGraphDestroy)
NOTHING(cudaGraphExecDestroy)
NOTHING(cudaGraphInstantiate)
NOTHING(cudaGraphLaunch)
NOTHING(cudaKernelSetAttributeForDevice)
NOTHING(cudaLibraryUnload)
NOTHING(cudaMemPoolDestroy)
NOTHING(cudaMemPoolSetAttribute)
NOTHING(cudaMemPoolTrimTo)
NOTHING(cudaStreamBeginCapture)
NOTHING(cudaStreamDestroy)
NOTHING(cudaStreamEndCapture)
NOTHING(cudaStreamWaitEvent)
