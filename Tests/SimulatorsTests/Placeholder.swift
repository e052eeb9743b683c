import Testing

@testable import Simulators

@Suite struct FirstSteps {
    @Test func answers() {
        var printer = MarlinPrinter()
        printer.receive("M105\nN1 G28*18\n".utf8, at: 0)
        let text = String(decoding: printer.takeOutput(at: 20_000_000_000), as: UTF8.self)
        #expect(text == "")
    }
}
