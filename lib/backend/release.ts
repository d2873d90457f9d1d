import type { Program } from "../graph/program.ts";
import type { DeviceStorage, Tensor } from "../graph/tensor.ts";
import type { Backend } from "./backend.ts";

/** Frees what only this program uses: its inputs and its intermediates. What it shares with others stays. */
export function releaseProgram(backend: Backend, { scratch, inputs }: Program): void {
  for (const storage of inputs ? [...scratch, inputs] : scratch) backend.release(storage);
}

/** Frees the storages of tensors with a fixed place. */
export function releaseTensors(backend: Backend, tensors: Iterable<Tensor>): void {
  const storages = new Set<DeviceStorage>();
  for (const { placement } of tensors) if (placement) storages.add(placement.storage);
  for (const storage of storages) backend.release(storage);
}
