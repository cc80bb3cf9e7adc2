/**
 * What the REST API sends, as far as the page uses it; docs/api.md has all of it.
 *
 * @typedef {"queued" | "running" | "succeeded" | "failed" | "cancelled"} State
 * @typedef {"txt2img" | "img2img" | "inpaint" | "grid" | "upscale"} Kind
 * @typedef {"low" | "normal" | "high"} Priority
 *
 * @typedef {object} Picture
 * @property {string} id
 * @property {string} url
 * @property {number} width    pixels
 * @property {number} height   pixels
 * @property {string | null} job_id
 * @property {number | null} index   number within its job, from 0
 * @property {number | null} seed
 * @property {"output" | "raw" | "grid" | null} role
 *
 * @typedef {object} Progress
 * @property {number} step     steps done, summed over the job's pictures
 * @property {number} steps
 * @property {number} fraction 0 to 1
 * @property {number | null} position     jobs ahead in the queue
 * @property {number | null} starts_in_seconds  while it waits
 * @property {number | null} eta_seconds
 * @property {string | null} preview_url
 *
 * @typedef {{kind: Kind, prompt: string, negative_prompt?: string, factor?: number, width: number, height: number, steps: number, sampler: string,
 *   priority?: Priority,
 *   schedule: string, guidance: number, seed: number, count: number, strength?: number, image?: string,
 *   mask?: string, variation?: {seed: number, strength: number} | null, extend?: Record<string, number> | null
 *   } & Record<string, unknown>} JobRequest
 *
 * @typedef {{field: string, values: (string | number)[]}} Axis
 *
 * @typedef {object} Job
 * @property {string} id
 * @property {Kind} kind
 * @property {State} state
 * @property {boolean} paused
 * @property {string} created_at
 * @property {string | null} started_at
 * @property {string | null} finished_at
 * @property {JobRequest} request
 * @property {Progress} progress
 * @property {Picture[]} images
 * @property {number} pictures   how many there will be; put in by kinds.js
 * @property {Axis[]} [axes]     of a grid; put in by kinds.js
 * @property {{code: string, message: string} | null} error
 * @property {number} attempts
 * @property {string} owner
 * @property {string | null} worker  that develops it, or was the last to
 * @property {Verification | null} [verification]  of a job that makes a picture again to compare it
 *
 * @typedef {Picture & {kind: Kind | "upload", model: string | null, sampler: string | null, prompt: string, negative_prompt: string,
 *   favourite: boolean, board: string | null, tags: string[], format: string, bytes: number, created_at: string}} LibraryPicture
 * @typedef {{favourite?: boolean, board?: string | null, tags?: string[]}} Changes
 * @typedef {{made_from: LibraryPicture[], made_into: LibraryPicture[]}} Chain
 * @typedef {{name: string, pictures: number}} Label  a board or a tag, and how many pictures have it
 * @typedef {{boards: Label[], tags: Label[]}} Labels
 *
 * @typedef {object} Metadata  how a picture was made; of one that was sent what its file held
 * @property {JobRequest} [request]
 * @property {string} [prompt]           as it was drawn
 * @property {string} [negative_prompt]
 * @property {{name: string, hash: string} | null} [model]
 * @property {number | null} [seed]
 * @property {{seconds: number}} [timings]
 *
 * @typedef {object} Reading  what a file says of its own making
 * @property {"darkroom" | "a1111" | "comfyui" | "invokeai" | "unknown"} source
 * @property {Record<string, string>} parameters
 * @property {Record<string, string>} texts
 * @property {JobRequest | null} request
 * @property {string[]} notes
 *
 * @typedef {{image_id: string, same: boolean | null, reasons: string[], greatest: number | null, mean: number | null}} Verification
 *
 * @typedef {object} Worker
 * @property {string} id
 * @property {string} host
 * @property {string} device
 * @property {{name: string, label: string}[]} models
 * @property {{used: number, total: number} | null} memory  bytes
 * @property {number} rows    in flight
 * @property {number} busy    jobs
 * @property {boolean} ready
 * @property {Record<string, number>} counters
 *
 * @typedef {{jobs: number, half_within: number | null, most_within: number | null}} Accuracy  shares of the time told
 * @typedef {{paused: boolean, queued: number, running: number, workers: Worker[], estimates: Accuracy}} Queue
 *
 * @typedef {{id: string, kind: Kind, owner: string, request: JobRequest, reason: string, strikes: number, attempts: number,
 *   died_at: string}} DeadLetter
 *
 * @typedef {{count: number, drawn: string, changes: number[], parts: {weight: number, chunks: {tokens: {start: number, end: number}[], left: number}[]}[]}} Tokens
 *
 * @typedef {object} Me  who is asking
 * @property {string} owner
 * @property {string} name
 * @property {boolean} session
 * @property {("read" | "generate" | "admin")[]} scopes
 * @property {{cost: number | null, jobs: number | null, rate: number | null}} quota  null = as much as the server gives
 * @property {{jobs: number, cost: number, last_hour: number, in_flight: number, used_at: string | null}} usage
 *
 * @typedef {{loc: (string | number)[], msg: string}} FieldError
 */
export {};
