// The objects of a device as a server was told them by Register or Update (Core 1.2.1 §6.2.1): what is the same need not be told again.
import { formatObjectList, type Lwm2mVersion, versionTraits } from '@lapwing/lwm2m';
import { objectList } from '../operations/discover.ts';
import type { Settings } from '../settings.ts';

export class ToldObjects {
  private readonly device: Pick<Settings, 'objects' | 'rootPath'>;
  /** As it was told last. */
  text = '';

  constructor(device: Pick<Settings, 'objects' | 'rootPath'>) {
    this.device = device;
  }

  /** What there is now, for a server with which that version is spoken: it is told from now on. */
  tell(version: Lwm2mVersion): string {
    this.text = this.now(version);
    return this.text;
  }

  isNews(version: Lwm2mVersion): boolean {
    return this.now(version) !== this.text;
  }

  private now(version: Lwm2mVersion): string {
    const { rootPath, objects } = this.device;
    const { announcesFormats, formats } = versionTraits[version];
    return formatObjectList({
      rootPath,
      formats: announcesFormats ? formats : [],
      objects: objectList(objects, version),
    });
  }
}
