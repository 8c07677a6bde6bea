/* cuDNN: the older calls, and enough of its graph interface that a frontend gets one plan. */
#include "stub.h"
#define RUN(name) CALL("cudnn", name)
HANDLE(cudnnCreate)
HANDLE(cudnnCreateActivationDescriptor)
HANDLE(cudnnCreateConvolutionDescriptor)
HANDLE(cudnnCreateDropoutDescriptor)
HANDLE(cudnnCreateFilterDescriptor)
HANDLE(cudnnCreateLRNDescriptor)
HANDLE(cudnnCreatePoolingDescriptor)
HANDLE(cudnnCreateRNNDataDescriptor)
HANDLE(cudnnCreateRNNDescriptor)
HANDLE(cudnnCreateReduceTensorDescriptor)
HANDLE(cudnnCreateTensorDescriptor)
size_t cudnnGetVersion(void) { return 92800; }
size_t cudnnGetCudartVersion(void) { return 13000; }
const char *cudnnGetErrorString(int status) { return status ? "stand-in" : "CUDNN_STATUS_SUCCESS"; }
void cudnnGetLastErrorString(char *text, size_t room) { if (room) *text = 0; }
int cudnnGetStream(void *handle, void **stream) { return *stream = 0, 0; }
int cudnnDropoutGetStatesSize(void *handle, size_t *bytes) { return *bytes = 1024, 0; }
int cudnnGetReductionIndicesSize(void *handle, void *a, void *b, void *c, size_t *bytes) { return *bytes = 0, 0; }
int cudnnGetReductionWorkspaceSize(void *handle, void *a, void *b, void *c, size_t *bytes) { return *bytes = 0, 0; }
int cudnnGetConvolutionForwardWorkspaceSize(void *handle, void *a, void *b, void *c, void *d, int algorithm, size_t *bytes) { return *bytes = 0, 0; }
int cudnnGetRNNTempSpaceSizes(void *handle, void *descriptor, int mode, void *data, size_t *work, size_t *reserve) {
  if (work) *work = 1024;
  if (reserve) *reserve = 1024;
  return 0;
}
int cudnnGetRNNWeightParams(void *handle, void *descriptor, int layer, size_t bytes, const void *weights, int id, void *a, void **matrix, void *b, void **bias) {
  return *matrix = 0, *bias = 0, 0;
}
int cudnnGetTensorNdDescriptor(void *descriptor, int wanted, int *type, int *count, int *dims, int *strides) { return *type = 0, *count = 0, 0; }
/* One algorithm, of 48 bytes, that took no time. */
int cudnnFindConvolutionForwardAlgorithmEx(void *handle, void *a, const void *x, void *b, const void *w, void *c, void *d, void *y, int wanted, int *found, void *results, void *work, size_t bytes) {
  return *found = 1, memset(results, 0, 48), 0;
}
int cudnnGetConvolutionForwardAlgorithm_v7(void *handle, void *a, void *b, void *c, void *d, int wanted, int *found, void *results) {
  return *found = 1, memset(results, 0, 48), 0;
}
RUN(cudnnActivationForward)
RUN(cudnnAddTensor)
RUN(cudnnBatchNormalizationForwardInference)
RUN(cudnnBatchNormalizationForwardTraining)
RUN(cudnnConvolutionBiasActivationForward)
RUN(cudnnConvolutionForward)
RUN(cudnnLRNCrossChannelForward)
RUN(cudnnPoolingForward)
RUN(cudnnRNNForward)
RUN(cudnnReduceTensor)
RUN(cudnnSoftmaxForward)
RUN(cudnnBackendExecute)

HANDLE(stub_descriptor)
int cudnnBackendCreateDescriptor(int type, void **descriptor) { return stub_descriptor(descriptor); }
int cudnnBackendGetAttribute(void *descriptor, int name, int type, int64_t wanted, int64_t *count, void *values) {
  int64_t found = wanted > 0;
  switch (name) {
    case 202: found = 1; break;                                        /* results of the heuristics: one engine */
    case 300: found = 1; break;                                        /* an engine's configuration has its engine */
    case 302: case 1302: case 1303: case 1305: found = 0; break;       /* no notes on behaviour or numerics, no knobs */
    case 303: case 402: case 802: case 1301:                           /* workspaces, the global index, the number of engines */
      found = 1;
      if (values && wanted > 0) *(int64_t *)values = name == 802;
      break;
    default:
      if (values && wanted > 0 && type != 15) *(int64_t *)values = 0;
  }
  if (count) *count = found;
  return 0;
}
NOTHING(cudnnBackendDestroyDescriptor)
NOTHING(cudnnBackendFinalize)
NOTHING(cudnnBackendSetAttribute)
NOTHING(cudnnDeriveBNTensorDescriptor)
NOTHING(cudnnDestroy)
NOTHING(cudnnDestroyActivationDescriptor)
NOTHING(cudnnDestroyConvolutionDescriptor)
NOTHING(cudnnDestroyDropoutDescriptor)
NOTHING(cudnnDestroyFilterDescriptor)
NOTHING(cudnnDestroyLRNDescriptor)
NOTHING(cudnnDestroyPoolingDescriptor)
NOTHING(cudnnDestroyRNNDataDescriptor)
NOTHING(cudnnDestroyRNNDescriptor)
NOTHING(cudnnDestroyReduceTensorDescriptor)
NOTHING(cudnnDestroyTensorDescriptor)
NOTHING(cudnnSetActivationDescriptor)
NOTHING(cudnnSetConvolutionGroupCount)
NOTHING(cudnnSetConvolutionMathType)
NOTHING(cudnnSetConvolutionNdDescriptor)
NOTHING(cudnnSetDropoutDescriptor)
NOTHING(cudnnSetFilterNdDescriptor)
NOTHING(cudnnSetLRNDescriptor)
NOTHING(cudnnSetPoolingNdDescriptor)
NOTHING(cudnnSetRNNDataDescriptor)
NOTHING(cudnnSetRNNDescriptor_v8)
NOTHING(cudnnSetReduceTensorDescriptor)
NOTHING(cudnnSetStream)
NOTHING(cudnnSetTensorNdDescriptor)
