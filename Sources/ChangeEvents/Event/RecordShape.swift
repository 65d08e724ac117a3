internal import Synchronization

/// Names of fields in an order: what the records of an object have in common, so that each of them holds its values
/// alone. Immutable; shared by all records made with it, and compared as an object.
public final class RecordShape: Sendable {
    /// Each once.
    public let names: [String]
    private let indexByName: [String: Int]
    /// Where this shape's names stand in other shapes; see `places(in:)`.
    private let known = Mutex<[Known]>([])

    private struct Known: Sendable {
        /// Held, so that no other shape takes its address.
        let shape: RecordShape
        let places: [Int?]
    }

    /// Other shapes remembered; records of one object come in two or three.
    private static let knownMax = 4

    /// A name that stands twice counts where it stands first.
    public init(_ names: [String]) {
        var unique: [String] = []
        unique.reserveCapacity(names.count)
        var indexByName: [String: Int] = Dictionary(minimumCapacity: names.count)
        for name in names where indexByName[name] == nil {
            indexByName[name] = unique.count
            unique.append(name)
        }
        self.names = unique
        self.indexByName = indexByName
    }

    /// Without names.
    public static let empty = RecordShape([])

    public func index(of name: String) -> Int? { indexByName[name] }

    /// This shape with further names behind its own.
    func adding(_ names: some Sequence<String>) -> RecordShape { RecordShape(self.names + names) }

    /// For each name of this shape its place in another; nil: the other does not have it.
    public func places(in other: RecordShape) -> [Int?] {
        known.withLock { known in
            if let entry = known.first(where: { $0.shape === other }) { return entry.places }
            let places = names.map { other.index(of: $0) }
            if known.count == Self.knownMax { known.removeFirst() }
            known.append(Known(shape: other, places: places))
            return places
        }
    }
}
