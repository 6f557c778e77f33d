// The object definitions that both programs know beside those in Leshan's core: Portfolio 16, Temperature 3303 and the
// LwM2M 1.1 test object 3442, which has a resource of each type.
import java.util.List;

import org.eclipse.leshan.core.model.LwM2mModelRepository;
import org.eclipse.leshan.core.model.ObjectLoader;
import org.eclipse.leshan.core.model.ObjectModel;
import org.eclipse.leshan.core.model.ResourceModel;
import org.eclipse.leshan.core.model.ResourceModel.Operations;
import org.eclipse.leshan.core.model.ResourceModel.Type;

final class Models {

    static LwM2mModelRepository repository() {
        List<ObjectModel> models = ObjectLoader.loadAllDefault();
        models.add(new ObjectModel(16, "Portfolio", "", "1.0", true, false, many(0, Operations.RW, Type.STRING),
                one(1, Operations.E, Type.NONE), many(2, Operations.R, Type.OPAQUE),
                one(3, Operations.R, Type.INTEGER)));
        models.add(new ObjectModel(3303, "Temperature", "", "1.1", true, false, //
                one(5700, Operations.R, Type.FLOAT), one(5601, Operations.R, Type.FLOAT),
                one(5602, Operations.R, Type.FLOAT), one(5701, Operations.R, Type.STRING),
                one(5605, Operations.E, Type.NONE), one(5750, Operations.RW, Type.STRING)));
        models.add(new ObjectModel(3442, "LwM2M v1.1 Test Object", "", "1.0", true, false, //
                one(0, Operations.E, Type.NONE), one(1, Operations.E, Type.NONE), one(2, Operations.E, Type.NONE),
                one(3, Operations.E, Type.NONE), many(4, Operations.R, Type.STRING), one(5, Operations.E, Type.NONE),
                many(6, Operations.RW, Type.STRING), //
                one(110, Operations.RW, Type.STRING), one(120, Operations.RW, Type.INTEGER),
                one(125, Operations.RW, Type.UNSIGNED_INTEGER), one(130, Operations.RW, Type.FLOAT),
                one(140, Operations.RW, Type.BOOLEAN), one(150, Operations.RW, Type.OPAQUE),
                one(160, Operations.RW, Type.TIME), one(170, Operations.RW, Type.OBJLNK),
                one(180, Operations.RW, Type.CORELINK), //
                many(1110, Operations.RW, Type.STRING), many(1120, Operations.RW, Type.INTEGER),
                many(1125, Operations.RW, Type.UNSIGNED_INTEGER), many(1130, Operations.RW, Type.FLOAT),
                many(1140, Operations.RW, Type.BOOLEAN), many(1150, Operations.RW, Type.OPAQUE),
                many(1160, Operations.RW, Type.TIME), many(1170, Operations.RW, Type.OBJLNK),
                many(1180, Operations.RW, Type.CORELINK)));
        return new LwM2mModelRepository(models);
    }

    private static ResourceModel one(int id, Operations operations, Type type) {
        return new ResourceModel(id, String.valueOf(id), operations, false, false, type, null, null, null);
    }

    private static ResourceModel many(int id, Operations operations, Type type) {
        return new ResourceModel(id, String.valueOf(id), operations, true, false, type, null, null, null);
    }

    private Models() {
    }
}
