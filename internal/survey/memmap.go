package survey

// Map is a picture of a guest's memory: what is in each range of frame numbers.
type Map struct {
	// Span is how many frame numbers a cell stands for, a power of two.
	Span  uint64 `json:"span"`
	Cells []Cell `json:"cells,omitempty"`
}

// Cell counts what was sent of a range of frame numbers.
type Cell struct {
	Data     int64 `json:"data,omitempty"` // ordinary pages that are not zero
	Zero     int64 `json:"zero,omitempty"`
	Tables   int64 `json:"tables,omitempty"` // page tables
	Holes    int64 `json:"holes,omitempty"`  // entries without data
	Repeated int64 `json:"repeated,omitempty"`
	// Looked counts the bytes of pages that were looked at for how well they
	// compress, and Packed what a fast codec would make of them.
	Looked int64 `json:"looked,omitempty"`
	Packed int64 `json:"packed,omitempty"`
}

// mostCells bounds a map. When a frame number lies beyond, cells are joined in
// pairs.
const mostCells = 1024

// at gives the cell of a frame number.
func (m *Map) at(pfn uint64) *Cell {
	m.Span = max(m.Span, 1)
	for pfn/m.Span >= mostCells {
		m.join()
	}
	i := int(pfn / m.Span)
	for len(m.Cells) <= i {
		m.Cells = append(m.Cells, Cell{})
	}
	return &m.Cells[i]
}

func (m *Map) join() {
	n := 0
	for i := 0; i < len(m.Cells); i += 2 {
		c := m.Cells[i]
		if i+1 < len(m.Cells) {
			c.add(m.Cells[i+1])
		}
		m.Cells[n] = c
		n++
	}
	m.Cells, m.Span = m.Cells[:n], 2*m.Span
}

func (c *Cell) add(d Cell) {
	c.Data += d.Data
	c.Zero += d.Zero
	c.Tables += d.Tables
	c.Holes += d.Holes
	c.Repeated += d.Repeated
	c.Looked += d.Looked
	c.Packed += d.Packed
}
