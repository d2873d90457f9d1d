import { UserError } from "../../errors.ts";

/** Thrown when the GPU or its driver cannot do what is asked: none is there, memory is short, the device was lost. */
export class GpuError extends UserError {
  override readonly name = "GpuError";
}
