import { UserError } from "../../errors.ts";

/** Thrown if the GPU or its driver cannot do what is asked: there is none, memory is short, the device was lost. */
export class GpuError extends UserError {
  override readonly name = "GpuError";
}
