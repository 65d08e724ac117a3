import ChangeEvents
import Testing

struct RecordFieldsTests {
    private let shape = RecordShape(["Name", "Phone", "Site"])

    @Test func valuesStandAtThePlacesOfTheirNames() {
        var fields = RecordFields(shape: shape)
        #expect(fields.isEmpty && fields["Name"] == nil && fields["Other"] == nil)
        fields["Phone"] = .string("1")
        fields[0] = .null
        #expect(fields.count == 2 && fields[1] == .string("1") && fields["Name"] == .null)
        #expect(fields.map(\.key) == ["Name", "Phone"])
        fields["Phone"] = nil
        #expect(fields.keys == ["Name"] && fields.shape === shape)
    }

    @Test func aNameThatTheShapeLacksGetsAShapeOfItsOwn() {
        var fields = RecordFields(shape: shape)
        fields["Extra"] = nil
        #expect(fields.shape === shape)
        fields["Extra"] = .integer(1)
        #expect(fields["Extra"] == .integer(1) && fields.shape.names == ["Name", "Phone", "Site", "Extra"])
        #expect(shape.names.count == 3)
    }

    @Test func aNameThatStandsTwiceIsOne() {
        #expect(RecordShape(["A", "B", "A"]).names == ["A", "B"])
    }

    @Test func equalityKnowsNoOrderAndTellsAbsentFromNull() {
        let one: RecordFields = ["Name": .string("a"), "Phone": .null]
        var other = RecordFields(shape: shape)
        other["Name"] = .string("a")
        #expect(one != other)
        other["Phone"] = .null
        #expect(one == other && one.hashValue == other.hashValue)
        #expect(other == ["Phone": .null, "Name": .string("a")] as [String: FieldValue])
        other["Site"] = .null
        #expect(one != other && other != one)
    }

    @Test func anotherShapeTakesWhatItKnowsAndTheRestBehindIt() {
        let fields: RecordFields = ["Site": .string("s"), "Name": .null, "Extra": .boolean(true)]
        let shaped = fields.shaped(as: shape)
        #expect(shaped == fields && Array(shaped.shape.names.prefix(3)) == shape.names)
        #expect(shaped[2] == .string("s") && shaped[1] == nil)
        let same = RecordFields(shape: shape, values: [.null, nil, .string("s")])
        #expect(same.shaped(as: shape).shape === shape)
        // More shapes than are remembered.
        for count in 1...9 {
            let longer = RecordShape((0..<count).map { "F\($0)" } + ["Site"])
            #expect(same.shaped(as: longer)["Site"] == .string("s"))
        }
    }

    @Test func mergingTakesNamesThatAreNew() {
        var fields = RecordFields(shape: shape, values: [.string("a"), nil, nil])
        fields.merge(["Name": .string("b"), "Phone": .null, "X": .integer(1), "Y": .integer(2)]) { known, _ in known }
        #expect(
            fields == ["Name": .string("a"), "Phone": .null, "X": .integer(1), "Y": .integer(2)] as [String: FieldValue]
        )
        fields.merge(["Name": .string("c")]) { $1 }
        #expect(fields["Name"] == .string("c"))
        #expect(fields.filter { $0.value != .null }.keys.sorted() == ["Name", "X", "Y"])
    }
}
