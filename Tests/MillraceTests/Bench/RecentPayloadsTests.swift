import Testing

@testable import millrace

struct RecentPayloadsTests {
    private func event(_ number: Int) -> [UInt8] {
        Array(#"{"type":"event","channel":"/a","data":{"event":{"replayId":\#(number)}}}"#.utf8)
    }

    private func keep(_ number: Int, group: Int, index: Int, in recent: inout RecentPayloads) throws {
        try event(number).withUnsafeBytes { bytes in
            let scan = try #require(EventScan(bytes))
            recent.keep(scan, group: group, index: index, bytes)
        }
    }

    private func found(_ number: Int, group: Int, index: Int, in recent: RecentPayloads) -> UInt64? {
        event(number).withUnsafeBytes { recent.find(group: group, index: index, $0)?.key.number }
    }

    @Test func theSameBytesAtTheSamePlaceAreFound() throws {
        var recent = RecentPayloads(groupSizes: [2, 3])
        #expect(found(7, group: 0, index: 0, in: recent) == nil)
        try keep(7, group: 0, index: 0, in: &recent)
        // Those between came late, and are not kept.
        try keep(9, group: 0, index: 5, in: &recent)
        #expect(found(7, group: 0, index: 0, in: recent) == 7 && found(9, group: 0, index: 5, in: recent) == 9)
        #expect(found(8, group: 0, index: 0, in: recent) == nil && found(7, group: 0, index: 1, in: recent) == nil)
        #expect(found(7, group: 1, index: 0, in: recent) == nil && found(9, group: 0, index: 6, in: recent) == nil)
    }

    @Test func onlyTheLastAreKept() throws {
        var recent = RecentPayloads(groupSizes: [2])
        let last = RecentPayloads.entriesMax
        for index in 0...last { try keep(100 + index, group: 0, index: index, in: &recent) }
        #expect(found(100, group: 0, index: 0, in: recent) == nil)
        #expect(found(101, group: 0, index: 1, in: recent) == 101)
        #expect(found(100 + last, group: 0, index: last, in: recent) == UInt64(100 + last))
    }

    @Test func whoIsAloneKeepsNothing() throws {
        var recent = RecentPayloads(groupSizes: [1, 2])
        try keep(7, group: 0, index: 0, in: &recent)
        #expect(found(7, group: 0, index: 0, in: recent) == nil)
    }
}
