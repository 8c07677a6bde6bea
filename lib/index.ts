export { NetrunError } from "./error.js";
export { type Blob, Net, type NetOptions, type Tensor, type Tensors } from "./model.js";
export { Solver, type SolverOptions } from "./solve/solver.js";
