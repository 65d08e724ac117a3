@testable import Store
import Testing

@Suite struct ChecksumTests {
    /// Values of the algorithm's published reference implementation.
    @Test(arguments: [
        ("", UInt64(0), UInt64(0xEF46_DB37_51D8_E999)), ("a", 0, 0xD24E_C4F1_A98C_6E5B),
        ("abc", 0, 0x44BC_2CF5_AD77_0999),
        ("Nobody inspects the spammish repetition", 0, 0xFBCE_A83C_8A37_8BF1),
    ])
    func isXXHash64(_ text: String, seed: UInt64, expected: UInt64) {
        let hash = Array(text.utf8).withUnsafeBytes { Checksum.hash($0, seed: seed) }
        #expect(hash == expected)
    }

    @Test func columnsDoNotRunTogether() {
        func sum(_ columns: [String?]) -> Int64 {
            var sum = Checksum(seed: 1)
            for column in columns { if let column { sum.add(column) } else { sum.addNull() } }
            return sum.stored
        }
        let sums = [["ab", "c"], ["a", "bc"], ["abc", ""], ["", "abc"], ["abc"], ["abc", nil], [nil, "abc"]].map(sum)
        #expect(Set(sums).count == sums.count)
    }
}
