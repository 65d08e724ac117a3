internal import ChangeEvents
internal import Matching

/// What decides the bytes of an event frame beside the event: subscriptions that agree in it are one class.
struct FrameClassKey: Hashable {
    var channel: String
    var form: EventForm
    var transport: Transport
    /// nil: every field.
    var fields: Set<String>?
}

/// The frame classes in use on one loop, by small numbers, with the masks that they come to in each schema.
struct FrameClassTable {
    private var keys = InternTable<FrameClassKey>()
    private var serials: [UInt64] = []
    private var masks: [[SchemaID: EventSchema.Mask]] = []
    private var nextSerial: UInt64 = 0

    mutating func acquire(_ key: FrameClassKey) -> FrameClass {
        let isNew = keys.index(of: key) == nil
        let index = keys.acquire(key)
        if isNew {
            if Int(index) == serials.count {
                serials.append(0)
                masks.append([:])
            }
            serials[Int(index)] = nextSerial
            masks[Int(index)] = [:]
            nextSerial += 1
        }
        return FrameClass(rawValue: index)
    }

    mutating func release(_ frameClass: FrameClass) {
        keys.release(frameClass.rawValue)
    }

    subscript(frameClass: FrameClass) -> FrameClassKey { keys[frameClass.rawValue] }

    /// Never the same for two classes, also when they have the same number one after the other.
    func serial(_ frameClass: FrameClass) -> UInt64 { serials[Int(frameClass.rawValue)] }

    mutating func mask(_ frameClass: FrameClass, in schema: SchemaFacts) -> EventSchema.Mask {
        let index = Int(frameClass.rawValue)
        if let mask = masks[index][schema.schema.id] { return mask }
        let mask = schema.mask(keys[frameClass.rawValue].fields)
        // A class sees a few schemas in its life; one that sees hundreds begins again.
        if masks[index].count >= 64 { masks[index] = [:] }
        masks[index][schema.schema.id] = mask
        return mask
    }
}
