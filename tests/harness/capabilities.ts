import type { Capabilities } from "../../lib/backend/capabilities.ts";

/** Of a backend that waits for nothing and has no kernels: what a test's own backend begins with. */
export const PLAIN: Capabilities = {
  precisions: ["f32"],
  kernels: new Set(),
  readBackMs: 0,
  maxLanes: 4,
  parts: 1,
  onHost: true,
};
