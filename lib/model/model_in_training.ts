import type { Backend } from "../backend/backend.ts";
import type { LanguageModel } from "./language_model.ts";

/** The models that are trained on each backend at present. */
const inTraining = new WeakMap<Backend, WeakSet<LanguageModel>>();

/**
 * Makes a model one training's. Its weights lie on a backend once: whoever wrote others, as a second training does, would
 * write over those of the first.
 *
 * @param what What is to be done, in words.
 * @returns What frees the model when it is disposed of.
 * @throws {Error} If a training of it on this backend is under way.
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
