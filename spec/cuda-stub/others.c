/* The driver, cuRAND and cuFFT. */
#include "stub.h"
NOTHING(cuTensorMapEncodeTiled)
NOTHING(cuInit)
int cuDriverGetVersion(int *version) { return *version = 13000, 0; }
NOTHING(curandCreateGenerator)
HANDLE(cufftCreate)
NOTHING(cufftDestroy)
NOTHING(cufftSetStream)
NOTHING(cufftXtMakePlanMany)
CALL("cufft", cufftXtExec)
