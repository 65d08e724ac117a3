/// Whether bytes that come in pieces are UTF-8 so far (RFC 3629): the first byte that cannot be is found at once.
struct UTF8Check {
    /// Bytes that the character begun still needs.
    private var missing = 0
    /// What the next of them may be: the second byte's range depends on the first.
    private var next: ClosedRange<UInt8> = 0x80...0xBF

    /// No character is half there.
    var isAtBorder: Bool { missing == 0 }

    /// False from the first byte on that makes it no text.
    mutating func takes(_ bytes: some Sequence<UInt8>) -> Bool {
        for byte in bytes {
            if missing > 0 {
                guard next.contains(byte) else { return false }
                missing -= 1
                next = 0x80...0xBF
                continue
            }
            switch byte {
            case 0x00...0x7F: continue
            case 0xC2...0xDF: missing = 1
            case 0xE0: (missing, next) = (2, 0xA0...0xBF)
            case 0xED: (missing, next) = (2, 0x80...0x9F)
            case 0xE1...0xEF: missing = 2
            case 0xF0: (missing, next) = (3, 0x90...0xBF)
            case 0xF4: (missing, next) = (3, 0x80...0x8F)
            case 0xF1...0xF3: missing = 3
            default: return false
            }
        }
        return true
    }
}
