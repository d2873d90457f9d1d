import { option, say } from "../../errors.ts";
import { Watchdog } from "../../io/watchdog.ts";
import { GpuError } from "./gpu_error.ts";

/**
 * Waits for a device or its driver, but not for ever, in case it hangs.
 *
 * @param what What it was asked for, for the message.
 * @param silentSeconds How long it may take; the default is long enough for a slow device to finish its work.
 * @throws {GpuError} If it does not answer. A later answer is lost.
 */
export async function answerOf<T>(asked: Promise<T>, what: string, silentSeconds?: number): Promise<T> {
  const { promise: silence, reject } = Promise.withResolvers<never>();
  using _watchdog = new Watchdog({
    isAwaited: () => true,
    progress: () => 0,
    onSilence: (seconds) =>
      reject(
        new GpuError(
          say`Cannot compute on the GPU: got no answer to ${what} for ${seconds} seconds, must be one. Restart the program, or use ${
            option("backend", "wasm")
          }`,
        ),
      ),
  }, silentSeconds);
  return await Promise.race([asked, silence]);
}
