// A worker that encodes: takes segments until none are left, and writes their ids.
import { SegmentQueue } from "../../io/segment_queue.ts";
import { serveJob } from "../../io/worker_job.ts";
import { type EncodeJob, encodeSegments } from "./encode_segments.ts";

serveJob<EncodeJob, never>((job) => {
  const queue = new SegmentQueue(job.queue);
  try {
    for (const awaited of encodeSegments(job, queue)) if (awaited !== undefined) queue.waitForStart(awaited);
  } catch (error) {
    // Others may be waiting for this thread's segment.
    queue.stop();
    throw error;
  }
});
