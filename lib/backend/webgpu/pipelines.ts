import { observe } from "./failures.ts";
import { GpuError } from "./gpu_error.ts";

/** What is compiled: a WGSL module with the entry point `main`, and how many arrays it reads and writes. */
export interface Kernel {
  readonly label: string;
  readonly source: string;
  readonly reads: { readonly length: number };
  readonly writes: { readonly length: number };
}

/** Compiles WGSL modules, each once. */
export class Pipelines {
  readonly #device: GPUDevice;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /**
   * The pipeline of a kernel.
   * @throws {Error} If it does not compile, with the kernel's name and each message's line, column and text.
   */
  compile(kernel: Kernel): Promise<GPUComputePipeline> {
    let pipeline = this.#pipelines.get(kernel.source);
    if (pipeline === undefined) {
      pipeline = this.#compile(kernel, this.layout(kernel.reads.length, kernel.writes.length));
      this.#pipelines.set(kernel.source, pipeline);
    }
    return pipeline;
  }

  /** Inputs, then outputs, then the uniform `Params`. */
  layout(reads: number, writes: number): GPUBindGroupLayout {
    const key = `${reads} ${writes}`;
    let layout = this.#layouts.get(key);
    if (layout === undefined) {
      const types = [
        ...Array<GPUBufferBindingType>(reads).fill("read-only-storage"),
        ...Array<GPUBufferBindingType>(writes).fill("storage"),
        "uniform" as const,
      ];
      layout = this.#device.createBindGroupLayout({
        label: `${reads} read, ${writes} written`,
        entries: types.map((type, binding) => ({ binding, visibility: GPUShaderStage.COMPUTE, buffer: { type } })),
      });
      this.#layouts.set(key, layout);
    }
    return layout;
  }

  async #compile({ label, source }: Kernel, layout: GPUBindGroupLayout): Promise<GPUComputePipeline> {
    const { result: module, error: moduleError } = observe(
      this.#device,
      () => this.#device.createShaderModule({ label, code: source }),
    );
    const invalid = await moduleError;
    if (invalid) throw await compileError(label, source, module, invalid);
    const { result: pipeline, error: pipelineError } = observe(this.#device, () =>
      this.#device.createComputePipeline({
        label,
        layout: this.#device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: "main" },
      }));
    const error = await pipelineError;
    if (error) throw new GpuError(`Cannot compile kernel ${label}: ${error.message.trimEnd()}`);
    return pipeline;
  }
}

async function compileError(label: string, source: string, module: GPUShaderModule, error: GPUError): Promise<Error> {
  const { messages } = await module.getCompilationInfo();
  const lines = source.split("\n");
  const details = messages.map(({ lineNum, linePos, message }) =>
    `line ${lineNum}, column ${linePos}: ${message.trim().split("\n")[0]}\n  ${lines[lineNum - 1] ?? ""}\n  ${
      " ".repeat(Math.max(0, linePos - 1))
    }^`
  );
  return new GpuError(`Cannot compile kernel ${label}: ${details.length > 0 ? details.join("\n") : error.message}`);
}
