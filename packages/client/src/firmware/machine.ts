// The state machine of a firmware component (Core 1.2.1 Appendix E.6, figure E.6.1). Pure: what happens to it and what it becomes.
//
//            begin                arrived                update
//   idle ───────────▶ downloading ───────▶ downloaded ◀────────▶ updating
//    ▲ ▲                 │  failed             │ ▲   not-installed   │
//    │ └─────────────────┘                     │ └─ deferred         │
//    ├──────────── cancel, reset ──────────────┘                     │
//    └────────────────────────── installed ──────────────────────────┘

/** Resource 3. */
export const FirmwareState = { Idle: 0, Downloading: 1, Downloaded: 2, Updating: 3 } as const;
export type FirmwareState = (typeof FirmwareState)[keyof typeof FirmwareState];

/** Resource 5; the last two are those of components that depend on each other. */
export const UpdateResult = {
  Initial: 0,
  Success: 1,
  NoStorage: 2,
  NoMemory: 3,
  ConnectionLost: 4,
  IntegrityFailure: 5,
  UnsupportedPackage: 6,
  InvalidUri: 7,
  UpdateFailed: 8,
  UnsupportedProtocol: 9,
  Cancelled: 10,
  Deferred: 11,
  ConflictingState: 12,
  DependencyError: 13,
} as const;
export type UpdateResult = (typeof UpdateResult)[keyof typeof UpdateResult];

export interface FirmwareStatus {
  readonly state: FirmwareState;
  readonly result: UpdateResult;
}

export type FirmwareInput =
  /** A package begins to come, whether or not another was there. */
  | { readonly kind: 'begin' }
  /** It is whole and sound. */
  | { readonly kind: 'arrived' }
  | { readonly kind: 'failed'; readonly result: UpdateResult }
  | { readonly kind: 'update' }
  | { readonly kind: 'deferred' }
  /** It does not go together with others, and waits for them. */
  | { readonly kind: 'refused'; readonly result: UpdateResult }
  | { readonly kind: 'installed' }
  | { readonly kind: 'not-installed'; readonly result: UpdateResult }
  | { readonly kind: 'cancel' }
  /** An empty URI, or a package of one zero. */
  | { readonly kind: 'reset' };

const { Idle, Downloading, Downloaded, Updating } = FirmwareState;

/** In which states each is possible. */
const possibleIn: Readonly<Record<FirmwareInput['kind'], readonly FirmwareState[]>> = {
  begin: [Idle, Downloading, Downloaded],
  arrived: [Downloading],
  // A URI that nobody can go to fails before it begins; a package that was sound may not be any more when it is to be installed.
  failed: [Idle, Downloading, Downloaded, Updating],
  update: [Downloaded],
  deferred: [Downloaded],
  refused: [Downloaded],
  installed: [Updating],
  'not-installed': [Updating],
  cancel: [Downloading, Downloaded],
  reset: [Idle, Downloading, Downloaded],
};

/** Undefined where it is not possible in this state. */
export function stepFirmware({ state }: FirmwareStatus, input: FirmwareInput): FirmwareStatus | undefined {
  if (!possibleIn[input.kind].includes(state)) return undefined;
  switch (input.kind) {
    case 'begin':
      return { state: Downloading, result: UpdateResult.Initial };
    case 'arrived':
      return { state: Downloaded, result: UpdateResult.Initial };
    case 'failed':
      return { state: Idle, result: input.result };
    case 'update':
      return { state: Updating, result: UpdateResult.Initial };
    case 'deferred':
      return { state: Downloaded, result: UpdateResult.Deferred };
    case 'refused':
      return { state: Downloaded, result: input.result };
    case 'installed':
      return { state: Idle, result: UpdateResult.Success };
    case 'not-installed':
      return { state: Downloaded, result: input.result };
    case 'cancel':
      return { state: Idle, result: UpdateResult.Cancelled };
    case 'reset':
      return { state: Idle, result: UpdateResult.Initial };
  }
}
