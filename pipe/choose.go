package pipe

// chooser chooses the level of each frame. choose and made are called by
// workers, several at once; left by the writer, in order.
type chooser interface {
	// choose gives the level for a job that is about to be encoded.
	choose(j *job) Level
	// made is told of a job that was encoded, between its timing's began and done.
	made(j *job)
	// left is told of a job that was written, with all of its timing.
	left(j *job)
}

// newChooser gives the chooser of a Compressor, for one stream.
func newChooser(cfg compressConfig) chooser {
	if cfg.level == LevelAuto {
		return newAuto(cfg)
	}
	return always(cfg.level)
}

// always is a chooser that has no choice.
type always Level

func (l always) choose(*job) Level { return Level(l) }
func (always) made(*job)           {}
func (always) left(*job)           {}
