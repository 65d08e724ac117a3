import ChangeEvents
import TestSupport
import Testing
import Twin

struct IDChunksTests {
    @Test func equalSteps() throws {
        let bounds = IDChunks.bounds(from: .test("500", 0), to: .test("500", 1_000), count: 4)
        #expect(bounds.count == 3)
        let edges = [RecordID.test("500", 0)] + bounds
        let counts = (0..<4).map { part in
            (0..<1_000).filter { number in
                let id = RecordID.test("500", number)
                return edges[part] <= id && (part == 3 || id < bounds[part])
            }.count
        }
        #expect(counts.reduce(0, +) == 1_000)
        #expect(counts.allSatisfy { $0 > 0 }, "\(counts)")
    }

    @Test(arguments: [
        ("5003000000000AA", "5003000000000AZ", 3), ("500300000000zzz", "5009ZZZZZZZZZZZ", 7),
        ("000000000000000", "zzzzzzzzzzzzzzz", 1_000), ("5003000000000AA", "5003000000000AZ", 50),
    ])
    func boundsRise(first: String, last: String, count: Int) throws {
        let (first, last) = (try #require(RecordID(first)), try #require(RecordID(last)))
        let bounds = IDChunks.bounds(from: first, to: last, count: count)
        #expect(bounds.count < count && zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 })
        #expect(bounds.allSatisfy { first < $0 && $0 <= last })
        #expect(!bounds.isEmpty)
    }

    @Test func nothingToCut() {
        let (one, other) = (RecordID.test("500", 1), RecordID.test("500", 9))
        #expect(IDChunks.bounds(from: one, to: one, count: 9).isEmpty)
        #expect(IDChunks.bounds(from: other, to: one, count: 9).isEmpty)
        #expect(IDChunks.bounds(from: one, to: other, count: 1).isEmpty)
    }
}
