import { requireHostData } from "../../graph/host_data.ts";
import { BYTES_PER_ELEMENT, type DeviceStorage, type View } from "../../graph/tensor.ts";
import type { HostArray } from "../backend.ts";
import { answerOf } from "./answer.ts";
import { observe } from "./failures.ts";
import { GpuError } from "./gpu_error.ts";

/** Reads and writes are done in pieces of at most this many bytes, which limits the memory for staging. */
const MAX_TRANSFER_BYTES = 64 * 2 ** 20;

/** It is not worth distinguishing staging buffers smaller than this. */
const MIN_STAGING_BYTES = 4096;

/** The device's memory: a buffer for each storage, and buffers through which results come back. */
export class Memory {
  readonly #device: GPUDevice;
  readonly #buffers = new Map<DeviceStorage, GPUBuffer>();
  /** Staging buffers at rest, by size. */
  readonly #staging = new Map<number, GPUBuffer[]>();
  /** Scratch buffers, the largest last; smaller ones serve the programs that were loaded before it was made. */
  readonly #scratch: GPUBuffer[] = [];

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Bytes of storages and of scratch memory. */
  get bytesInUse(): number {
    return [...this.#buffers.values(), ...this.#scratch].reduce((sum, { size }) => sum + size, 0);
  }

  /** Staging buffers at rest. */
  get pooled(): number {
    return this.#staging.values().reduce((sum, buffers) => sum + buffers.length, 0);
  }

  /** @throws {RangeError} If the storage was never loaded, or was released. */
  bufferOf(storage: DeviceStorage): GPUBuffer {
    const buffer = this.#buffers.get(storage);
    if (buffer === undefined) {
      throw new RangeError(
        `Cannot use storage "${storage.name}": it is not on the device; load a program that uses it`,
      );
    }
    return buffer;
  }

  /** Those that have no buffer. */
  missing(storages: readonly DeviceStorage[]): readonly DeviceStorage[] {
    return storages.filter((storage) => !this.#buffers.has(storage));
  }

  /**
   * Makes a zeroed buffer for each storage that has none.
   * @throws {Error} Naming the storage, if memory is short: the others may have been made.
   */
  async allocate(storages: readonly DeviceStorage[]): Promise<void> {
    await Promise.all(
      this.missing(storages).map(async (storage) => {
        const { result, error } = this.#create(
          storage.name,
          storage.bytes,
          GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
        );
        this.#buffers.set(storage, result);
        const failure = await error;
        if (failure === undefined) return;
        this.release(storage);
        throw new GpuError(
          `Cannot allocate storage "${storage.name}" of ${mebibytes(storage.bytes)}: ${failure.message}`,
        );
      }),
    );
  }

  /**
   * Memory of at least this many bytes for the intermediate results of one call; all programs share it.
   * @throws {Error} If memory is short.
   */
  async scratch(bytes: number): Promise<GPUBuffer | undefined> {
    const largest = this.#scratch.at(-1);
    if (bytes <= (largest?.size ?? 0)) return largest;
    const { result, error } = this.#create("scratch", bytes, GPUBufferUsage.STORAGE);
    const failure = await error;
    if (failure) throw new GpuError(`Cannot allocate ${mebibytes(bytes)} of scratch memory: ${failure.message}`);
    this.#scratch.push(result);
    this.#scratch.sort((a, b) => a.size - b.size);
    return result;
  }

  /** Frees all scratch memory except these buffers. */
  keepScratch(used: ReadonlySet<GPUBuffer | undefined>): void {
    for (const buffer of this.#scratch.splice(0)) {
      if (used.has(buffer)) this.#scratch.push(buffer);
      else buffer.destroy();
    }
  }

  #create(label: string, size: number, usage: number): { result: GPUBuffer; error: Promise<GPUError | undefined> } {
    const { maxBufferSize } = this.#device.limits;
    if (size > maxBufferSize) {
      throw new GpuError(
        `Cannot allocate storage "${label}": got ${mebibytes(size)}, must be at most this adapter's ${
          mebibytes(maxBufferSize)
        }`,
      );
    }
    return observe(this.#device, () => this.#device.createBuffer({ label, size, usage }));
  }

  /** Copies host data into a view. Checked here, because Deno would abort the whole process if it were out of range. */
  write(view: View, data: HostArray): void {
    const buffer = this.bufferOf(view.storage);
    checkRange(view);
    requireHostData(view, data);
    const step = MAX_TRANSFER_BYTES / BYTES_PER_ELEMENT;
    for (let first = 0; first < data.length; first += step) {
      const part = data.subarray(first, first + step);
      const bytes = new Uint8Array(part.buffer as ArrayBuffer, part.byteOffset, part.byteLength);
      this.#device.queue.writeBuffer(buffer, view.byteOffset + first * BYTES_PER_ELEMENT, bytes);
    }
  }

  /** Copies a view to the host, once everything submitted before is done. */
  async read(view: View): Promise<HostArray> {
    const buffer = this.bufferOf(view.storage);
    checkRange(view);
    const bytes = new Uint8Array(view.size * BYTES_PER_ELEMENT);
    for (let first = 0; first < bytes.length; first += MAX_TRANSFER_BYTES) {
      const part = bytes.subarray(first, first + MAX_TRANSFER_BYTES);
      await this.copyToHost(buffer, view.byteOffset + first, part);
    }
    return view.dtype === "f32" ? new Float32Array(bytes.buffer) : new Uint32Array(bytes.buffer);
  }

  /** Copies part of a buffer to the host through a staging buffer. */
  async copyToHost(buffer: GPUBuffer, byteOffset: number, target: Uint8Array): Promise<void> {
    const staging = this.#takeStaging(target.length);
    try {
      const encoder = this.#device.createCommandEncoder({ label: "read" });
      encoder.copyBufferToBuffer(buffer, byteOffset, staging, 0, target.length);
      this.#device.queue.submit([encoder.finish()]);
      await answerOf(staging.mapAsync(GPUMapMode.READ, 0, target.length), "a read");
      target.set(new Uint8Array(staging.getMappedRange(0, target.length)));
      staging.unmap();
    } catch (error) {
      staging.destroy();
      throw error;
    }
    this.#staging.get(staging.size)!.push(staging);
  }

  /** Frees a storage's buffer. */
  release(storage: DeviceStorage): void {
    this.#buffers.get(storage)?.destroy();
    this.#buffers.delete(storage);
  }

  /** Frees everything. */
  dispose(): void {
    const staging = [...this.#staging.values()].flat();
    for (const buffer of [...this.#buffers.values(), ...staging, ...this.#scratch]) buffer.destroy();
    this.#buffers.clear();
    this.#staging.clear();
    this.#scratch.length = 0;
  }

  #takeStaging(bytes: number): GPUBuffer {
    const size = Math.max(MIN_STAGING_BYTES, 2 ** Math.ceil(Math.log2(bytes)));
    const atRest = this.#staging.get(size) ?? [];
    this.#staging.set(size, atRest);
    return atRest.pop() ??
      this.#device.createBuffer({ label: "staging", size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  }
}

/** A size, in words. */
export function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20).toLocaleString("en-US")} MiB`;
}

function checkRange(view: View): void {
  const { storage, byteOffset, size } = view;
  if (view.dtype === "f16") throw new TypeError(`Cannot access "${storage.name}": got f16, must be f32 or u32`);
  if (size <= 0 || byteOffset < 0 || byteOffset + size * BYTES_PER_ELEMENT > storage.bytes) {
    throw new RangeError(
      `Cannot access "${storage.name}": got ${size} elements at byte ${byteOffset}, must lie in ${storage.bytes} bytes`,
    );
  }
}
