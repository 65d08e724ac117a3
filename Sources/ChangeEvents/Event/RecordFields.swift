/// The values of a record by the names of its fields: a dictionary to look at, an array in truth. The names stand in the
/// shape, which the records of an object share; a record holds one value for each, or none where a field is absent.
///
/// By name it costs one lookup, by place none: whoever works on many records finds the places once, in the shape. A name
/// that the shape does not have is added to a shape of the record's own.
public struct RecordFields: Sendable {
    public private(set) var shape: RecordShape
    /// As many as the shape has names; nil: absent.
    @usableFromInline
    var values: [FieldValue?]

    /// Every field absent.
    public init(shape: RecordShape = .empty) {
        self.shape = shape
        values = Array(repeating: nil, count: shape.names.count)
    }

    public init(_ fields: [String: FieldValue]) {
        shape = RecordShape(Array(fields.keys))
        values = Array(fields.values)
    }

    /// `values` in the order of the shape, one for each of its names.
    public init(shape: RecordShape, values: [FieldValue?]) {
        precondition(values.count == shape.names.count, "a record has one value for each name of its shape")
        self.shape = shape
        self.values = values
    }

    /// By place in the shape; nil: absent. Inlined: writing a record comes by here some hundred times.
    @inlinable
    public subscript(place: Int) -> FieldValue? {
        get { values[place] }
        set { values[place] = newValue }
    }

    /// Nil: absent.
    public subscript(name: String) -> FieldValue? {
        get { shape.index(of: name).flatMap { values[$0] } }
        set {
            if let place = shape.index(of: name) {
                values[place] = newValue
            } else if let newValue {
                shape = shape.adding(CollectionOfOne(name))
                values.append(newValue)
            }
        }
    }

    /// How many fields there are.
    public var count: Int { values.reduce(0) { $1 == nil ? $0 : $0 + 1 } }

    public var isEmpty: Bool { values.allSatisfy { $0 == nil } }

    public var keys: [String] { map(\.key) }

    public var dictionary: [String: FieldValue] {
        Dictionary(map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    /// The same fields in another shape; one that it does not have is added to it.
    public func shaped(as other: RecordShape) -> RecordFields {
        if shape === other { return self }
        var shaped = RecordFields(shape: other)
        for (place, target) in shape.places(in: other).enumerated() {
            guard let value = values[place] else { continue }
            if let target { shaped.values[target] = value } else { shaped[shape.names[place]] = value }
        }
        return shaped
    }

    public mutating func merge(
        _ others: some Sequence<(key: String, value: FieldValue)>,
        uniquingKeysWith combine: (FieldValue, FieldValue) throws -> FieldValue
    ) rethrows {
        let missing = others.map(\.key).filter { shape.index(of: $0) == nil }
        if !missing.isEmpty {
            shape = shape.adding(missing)
            values += Array(repeating: nil, count: shape.names.count - values.count)
        }
        for (name, value) in others {
            guard let place = shape.index(of: name) else { continue }
            values[place] = try values[place].map { try combine($0, value) } ?? value
        }
    }

    /// Without the fields that `isIncluded` refuses.
    public func filter(_ isIncluded: ((key: String, value: FieldValue)) throws -> Bool) rethrows -> RecordFields {
        var filtered = self
        for (place, name) in shape.names.enumerated() {
            guard let value = values[place] else { continue }
            if try !isIncluded((name, value)) { filtered.values[place] = nil }
        }
        return filtered
    }
}

extension RecordFields: Sequence {
    public struct Iterator: IteratorProtocol {
        private let fields: RecordFields
        private var place = 0

        fileprivate init(_ fields: RecordFields) { self.fields = fields }

        public mutating func next() -> (key: String, value: FieldValue)? {
            while place < fields.values.count {
                defer { place += 1 }
                if let value = fields.values[place] { return (fields.shape.names[place], value) }
            }
            return nil
        }
    }

    /// In the order of the shape, without what is absent.
    public func makeIterator() -> Iterator { Iterator(self) }
}

/// Two are equal when they have the same fields, in whatever order.
extension RecordFields: Hashable {
    public static func == (left: RecordFields, right: RecordFields) -> Bool {
        if left.shape === right.shape { return left.values == right.values }
        var count = 0
        for (name, value) in left {
            guard right[name] == value else { return false }
            count += 1
        }
        return count == right.count
    }

    public static func == (left: RecordFields, right: [String: FieldValue]) -> Bool {
        left.count == right.count && left.allSatisfy { right[$0.key] == $0.value }
    }

    public func hash(into hasher: inout Hasher) {
        var sum = 0
        for (name, value) in self {
            var own = Hasher()
            own.combine(name)
            own.combine(value)
            sum ^= own.finalize()
        }
        hasher.combine(sum)
    }
}

extension RecordFields: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, FieldValue)...) {
        self.init(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
}
