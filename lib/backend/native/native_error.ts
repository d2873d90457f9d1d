import { UserError } from "../../errors.ts";

/** Thrown where machine code cannot be used: without the permission, on another processor, or where a kernel is wrong. */
export class NativeError extends UserError {
  override readonly name = "NativeError";
}
