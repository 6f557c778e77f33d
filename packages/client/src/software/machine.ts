// The state machine of a piece of software (LwM2M Software Management 1.0 §6): what happens to it and what it becomes. Pure.
//
//              begin           whole           verified           installed
//   initial ─────────▶ started ─────▶ downloaded ─────▶ delivered ─────────▶ installed
//     ▲ ▲                 │ failed        │ failed          │ not-installed: stays   │
//     │ └─────────────────┴───────────────┘                 │                        │
//     └──────────────────────── uninstalled ────────────────┴────────────────────────┘

/** Resource 7. */
export const SoftwareState = { Initial: 0, DownloadStarted: 1, Downloaded: 2, Delivered: 3, Installed: 4 } as const;
export type SoftwareState = (typeof SoftwareState)[keyof typeof SoftwareState];

/** Resource 9. */
export const SoftwareResult = {
  Initial: 0,
  Downloading: 1,
  Installed: 2,
  Verified: 3,
  NoStorage: 50,
  NoMemory: 51,
  ConnectionLost: 52,
  IntegrityFailure: 53,
  UnsupportedPackage: 54,
  InvalidUri: 56,
  UpdateError: 57,
  InstallationFailed: 58,
  UninstallationFailed: 59,
} as const;
export type SoftwareResult = (typeof SoftwareResult)[keyof typeof SoftwareResult];

export interface SoftwareStatus {
  readonly state: SoftwareState;
  readonly result: SoftwareResult;
  /** Resource 12. */
  readonly isActive: boolean;
}

export type SoftwareInput =
  | { readonly kind: 'begin' }
  | { readonly kind: 'whole' }
  | { readonly kind: 'verified' }
  | { readonly kind: 'failed'; readonly result: SoftwareResult }
  | { readonly kind: 'installed' }
  | { readonly kind: 'not-installed' }
  /** It is gone; or it stays as it is until what is to come in its place is there. */
  | { readonly kind: 'uninstalled'; readonly how: 'removed' | 'for-update' }
  | { readonly kind: 'not-uninstalled' }
  | { readonly kind: 'activated' }
  | { readonly kind: 'deactivated' };

const { Initial, DownloadStarted, Downloaded, Delivered, Installed } = SoftwareState;

/** In which states each is possible. */
const possibleIn: Readonly<Record<SoftwareInput['kind'], readonly SoftwareState[]>> = {
  // What is installed is taken away, or set aside for its successor, first.
  begin: [Initial, DownloadStarted, Downloaded, Delivered],
  whole: [DownloadStarted],
  verified: [Downloaded],
  failed: [Initial, DownloadStarted, Downloaded, Delivered],
  installed: [Delivered],
  'not-installed': [Delivered],
  uninstalled: [Delivered, Installed],
  'not-uninstalled': [Installed],
  activated: [Installed],
  deactivated: [Installed],
};

/** Undefined where it is not possible in this state. */
export function stepSoftware(status: SoftwareStatus, input: SoftwareInput): SoftwareStatus | undefined {
  const { state, isActive } = status;
  if (!possibleIn[input.kind].includes(state)) return undefined;
  switch (input.kind) {
    case 'begin':
      return { state: DownloadStarted, result: SoftwareResult.Downloading, isActive };
    case 'whole':
      return { state: Downloaded, result: SoftwareResult.Downloading, isActive };
    case 'verified':
      return { state: Delivered, result: SoftwareResult.Verified, isActive };
    case 'failed':
      return { state: Initial, result: input.result, isActive };
    case 'installed':
      return { state: Installed, result: SoftwareResult.Installed, isActive: false };
    case 'not-installed':
      return { state: Delivered, result: SoftwareResult.InstallationFailed, isActive };
    case 'uninstalled':
      return { state: Initial, result: SoftwareResult.Initial, isActive: input.how === 'for-update' && isActive };
    case 'not-uninstalled':
      return { state: Installed, result: SoftwareResult.UninstallationFailed, isActive };
    case 'activated':
      return { state: Installed, result: status.result, isActive: true };
    case 'deactivated':
      return { state: Installed, result: status.result, isActive: false };
  }
}
