import { UserError } from "../errors.ts";
import type { Precision } from "../graph/graph.ts";
import type { Backend } from "./backend.ts";

/** @throws {UserError} If the backend cannot compute so. */
export function requirePrecision({ name, description, hasF16 }: Backend, precision: Precision): void {
  if (precision === "f32" || hasF16) return;
  const got = name === "wasm" ? "the wasm backend" : `${description}, an adapter without shader-f16`;
  throw new UserError(
    `Cannot compute in f16: got ${got}, must be a GPU with shader-f16. Use --dtype f32, or --backend webgpu where there ` +
      "is such a GPU",
  );
}
