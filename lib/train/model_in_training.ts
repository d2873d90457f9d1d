import type { Backend } from "../backend/backend.ts";
import type { Transformer } from "../model/transformer.ts";

/** The models that are trained on each backend at present. */
const inTraining = new WeakMap<Backend, WeakSet<Transformer>>();

/**
 * Makes a model one training's. Its weights lie on a backend once: a second training would write over those of the first.
 *
 * @returns What frees the model when it is disposed of.
 * @throws {Error} If another training of it on this backend is under way.
 */
export function claimModel(backend: Backend, model: Transformer): Disposable {
  const models = inTraining.get(backend) ?? new WeakSet();
  inTraining.set(backend, models);
  if (models.has(model)) {
    throw new Error(
      "Cannot train: got a model that another training is under way of, must be one at a time on a backend, since its " +
        "weights lie there once. Read the other to its end, or call its return(); or make another Transformer",
    );
  }
  models.add(model);
  return { [Symbol.dispose]: () => models.delete(model) };
}
