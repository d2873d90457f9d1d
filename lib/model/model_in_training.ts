import type { Backend } from "../backend/backend.ts";
import type { LanguageModel } from "./language_model.ts";

/** The models that are being trained on each backend. */
const inTraining = new WeakMap<Backend, WeakSet<LanguageModel>>();

/**
 * Reserves a model for one training. A backend holds its weights once, so a second training would overwrite those of
 * the first.
 *
 * @param what The work, for the message.
 * @returns Dispose of it to let go of the model.
 * @throws {Error} If the model is already being trained on this backend.
 */
export function claimModel(what: string, backend: Backend, model: LanguageModel): Disposable {
  const models = inTraining.get(backend) ?? new WeakSet();
  inTraining.set(backend, models);
  if (models.has(model)) {
    throw new Error(
      `Cannot ${what}: got a model that a training is under way of, must be one at a time on a backend, since its ` +
        "weights lie there once. Read that one to its end, or call its return(); or make another model",
    );
  }
  models.add(model);
  return { [Symbol.dispose]: () => models.delete(model) };
}
