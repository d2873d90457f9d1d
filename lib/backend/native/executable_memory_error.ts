/** Thrown where the system gives no memory that can be executed, or not the functions that are needed for it. */
export class ExecutableMemoryError extends Error {
  override readonly name = "ExecutableMemoryError";
}
