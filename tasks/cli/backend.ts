// Starting a backend for a person: what they should know of it goes to stderr.
import type { Backend } from "../../lib/backend/backend.ts";
import { type BackendChoice, createBackend, type CreateBackendOptions } from "../../lib/backend/select.ts";
import { WebGpuBackend } from "../../lib/backend/webgpu.ts";

/** Starts the backend that a person asked for. Warns, once, of a GPU that is none. */
export async function startBackend(choice: BackendChoice, options: CreateBackendOptions = {}): Promise<Backend> {
  quietVulkanLoader();
  const backend = await createBackend(choice, options);
  if (backend instanceof WebGpuBackend && backend.adapter.software) {
    console.error(
      `WARNING: ${backend.description} is not a GPU but a program that imitates one. ` +
        "Everything will be slow; --backend wasm is several times faster on this machine.",
    );
  }
  return backend;
}

/** Mesa's window system code complains on stderr when this variable is missing, though nothing here opens a window. */
function quietVulkanLoader(): void {
  const name = "XDG_RUNTIME_DIR";
  if (Deno.build.os !== "linux" || Deno.permissions.querySync({ name: "env", variable: name }).state !== "granted") {
    return;
  }
  if (!Deno.env.has(name)) Deno.env.set(name, "/tmp");
}
